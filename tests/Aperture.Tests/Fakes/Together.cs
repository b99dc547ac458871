using System.Runtime.ExceptionServices;

namespace Aperture.Tests.Fakes;

/// <summary>Work on several threads at once.</summary>
internal static class Together
{
    /// <summary>Starts a thread for each piece of work and waits for all. What the first of them threw is thrown here: out of a thread it
    /// would end the test host, and say of no test that it failed.</summary>
    public static void Run(params Action[] work)
    {
        Exception? failure = null;
        var threads = work.Select(piece => new Thread(() =>
        {
            try
            {
                piece();
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }
}
