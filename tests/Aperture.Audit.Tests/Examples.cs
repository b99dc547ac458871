namespace Aperture.Audit.Tests;

/// <summary>Shapes of tests: what the audit must find, and what it must not.</summary>
internal static class Examples
{
    public static event Action? Hook;

    public static void SilentReturnsEarly(bool isReady)
    {
        if (!isReady)
            return;
        Assert.True(isReady);
    }

    public static void SilentLoopsOverWhatMayBeNothing(IEnumerable<int> values)
    {
        foreach (var value in values)
            Assert.Equal(1, value);
    }

    public static void SilentAssertsOfAllOfWhatMayBeNothing(IEnumerable<int> values) => Assert.All(values, value => Assert.Equal(1, value));

    public static void SilentAssertsInAHook()
    {
        Hook += () => Assert.Fail("called");
        Hook?.Invoke();
    }

    public static void SilentSwallows(Action action)
    {
        try
        {
            action();
            Assert.Fail("did not throw");
        }
        catch (InvalidOperationException)
        {
        }
    }

    public static void SilentOnOneSideOfASwitch(int value)
    {
        switch (value)
        {
            case 0:
                Assert.Equal(0, value);
                break;
            case 1:
                break;
            default:
                Assert.NotEqual(0, value);
                break;
        }
    }

    public static async Task SilentAfterAnAwait(Task task) => await task;

    public static void FineInALoopThatRuns()
    {
        for (var i = 0; i < 3; i++)
            Assert.True(i < 3);
    }

    public static void FineOverALiteral()
    {
        foreach (var value in (int[])[1, 2])
            Assert.NotEqual(0, value);
    }

    public static void FineInAFinally(Action action)
    {
        try
        {
            action();
        }
        finally
        {
            Assert.NotNull(action);
        }
    }

    public static void FineByAHelper(int value)
    {
        Check(value, isStrict: true);

        static void Check(int value, bool isStrict)
        {
            if (isStrict)
                Assert.NotEqual(0, value);
        }
    }

    public static void FineOnAThread()
    {
        var thread = new Thread(() => Assert.Equal(4, Math.Abs(-4)));
        thread.Start();
        thread.Join();
    }

    public static void FineByADelegateThatIsCalled()
    {
        Run(() => Assert.Equal(4, Math.Abs(-4)));

        static void Run(Action action) => action();
    }

    public static async Task FineAfterAnAwait(Task<int> task) => Assert.Equal(1, await task);
}
