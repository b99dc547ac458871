namespace Aperture.Schedules;

/// <summary>A thread that runs only while a schedule lets it.</summary>
internal sealed class Worker : IDisposable
{
    private readonly ManualResetEventSlim _turn = new(false, spinCount: 50);
    private readonly Thread _thread;
    private Run? _run;
    private Action? _work;
    private bool _ends;

    public Worker(int index)
    {
        Index = index;
        _thread = new Thread(Loop) { IsBackground = true, Name = $"scheduled {index}" };
        _thread.Start();
    }

    public int Index { get; }

    public bool HasEnded { get; private set; }

    public void Begin(Run run, Action work)
    {
        _run = run;
        _work = work;
        HasEnded = false;
    }

    /// <summary>Another may go on here.</summary>
    public void Step() => _run!.Step(this);

    /// <summary>Another must.</summary>
    public void Block() => _run!.Block(this);

    /// <summary>Lets this thread go on.</summary>
    public void Resume() => _turn.Set();

    /// <summary>Waits for the next turn.</summary>
    public void Await()
    {
        _turn.Wait();
        _turn.Reset();
    }

    public void Dispose()
    {
        _ends = true;
        Resume();
        _thread.Join();
        _turn.Dispose();
    }

    private void Loop()
    {
        Yields.Worker = this;
        while (true)
        {
            Await();
            if (_ends)
                return;
            Exception? error = null;
            try
            {
                _work!();
            }
            catch (Exception e)
            {
                error = e;
            }

            HasEnded = true;
            _run!.End(this, error);
        }
    }
}
