using System.Diagnostics;
using Aperture.Core.Threading;

namespace Aperture.Devices;

// Who cannot go on before handlers have run.
public sealed partial class Interrupt
{
    /// <summary>How often in a row, a millisecond apart, the thread that runs the handlers is seen waiting for something before nobody
    /// waits for it any more: it may be waiting for the one who waits.</summary>
    public const int MaxBlockedLooks = 1000;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(1);

    private volatile Thread? _server; // who runs the handlers

    /// <summary>Runs the handlers if the line is active and nobody does so yet, and waits for a thread that is running them, however long
    /// it is not scheduled. Not under a lock that handlers may take.</summary>
    /// <returns>Whether handlers ran meanwhile, here or elsewhere. False: none do; the calling thread itself is in one; or the thread that
    /// runs them was seen waiting <see cref="MaxBlockedLooks"/> times.</returns>
    public bool Attend()
    {
        Debug.Assert(EventGate.IsOpen, "handlers are waited for under a lock");
        var count = Count;
        Service();
        return Count != count || TryWait();
    }

    private bool TryWait()
    {
        for (var looks = 0; looks < MaxBlockedLooks && _server is { } server && server != Thread.CurrentThread;)
        {
            if (_service.TryEnter(s_look))
            {
                _service.Exit();
                return true;
            }

            looks = (server.ThreadState & System.Threading.ThreadState.WaitSleepJoin) != 0 ? looks + 1 : 0;
        }

        return false;
    }
}
