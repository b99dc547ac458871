namespace Aperture.Schedules;

/// <summary>What rewritten code calls instead of, or before, whatever threads can meet at. Threads that no schedule drives pass
/// by.</summary>
public static class Yields
{
    [ThreadStatic]
    private static Worker? t_worker;

    internal static Worker? Worker
    {
        get => t_worker;
        set => t_worker = value;
    }

    /// <summary>Another thread may go on here.</summary>
    public static void Step() => t_worker?.Step();

    /// <summary>The calling thread cannot go on before another has.</summary>
    public static void Blocked()
    {
        if (t_worker is { } worker)
            worker.Block();
        else
            Thread.Yield();
    }

    /// <summary><see cref="Lock.EnterScope"/>.</summary>
    public static Lock.Scope EnterScope(Lock gate)
    {
        Enter(gate);
        var scope = gate.EnterScope();
        gate.Exit(); // taken twice, as a scope cannot be made of what is held
        return scope;
    }

    /// <summary><see cref="Lock.Enter"/>.</summary>
    public static void Enter(Lock gate)
    {
        if (t_worker is null)
        {
            gate.Enter();
            return;
        }

        Step();
        while (!gate.TryEnter())
            Blocked();
    }

    /// <summary><see cref="Monitor.Enter(object, ref bool)"/>.</summary>
    public static void EnterMonitor(object gate, ref bool isTaken)
    {
        if (t_worker is null)
        {
            Monitor.Enter(gate, ref isTaken);
            return;
        }

        Step();
        while (!isTaken)
        {
            Monitor.TryEnter(gate, ref isTaken);
            if (!isTaken)
                Blocked();
        }
    }

    /// <summary><see cref="SpinWait.SpinOnce()"/>.</summary>
    public static void SpinOnce(ref SpinWait wait)
    {
        if (t_worker is null)
            wait.SpinOnce();
        else
            Blocked();
    }

    /// <summary><see cref="SpinWait.SpinOnce(int)"/>.</summary>
    public static void SpinOnce(ref SpinWait wait, int sleepThreshold)
    {
        if (t_worker is null)
            wait.SpinOnce(sleepThreshold);
        else
            Blocked();
    }

    /// <summary><see cref="Thread.Yield"/>.</summary>
    public static bool Yield()
    {
        Blocked();
        return true;
    }

    /// <summary><see cref="Thread.SpinWait"/>.</summary>
    public static void Spin(int iterations)
    {
        if (t_worker is null)
            Thread.SpinWait(iterations);
        else
            Blocked();
    }

    /// <summary><see cref="Thread.Sleep(TimeSpan)"/>: time is what a schedule says.</summary>
    public static void Sleep(TimeSpan time)
    {
        if (t_worker is null)
            Thread.Sleep(time);
        else
            Blocked();
    }

    /// <summary><see cref="Interlocked.MemoryBarrierProcessWide"/>: threads of a schedule run one at a time and see all of each
    /// other.</summary>
    public static void Barrier()
    {
        if (t_worker is null)
            Interlocked.MemoryBarrierProcessWide();
        else
            Step();
    }
}
