using Aperture.Core;
using Aperture.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Pci;

/// <summary>Waits for event files and calls who wants to hear of them: one thread for all devices of a host.</summary>
internal sealed unsafe class InterruptPump : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Lock _calling = new();       // held while listeners are called, so that removing one can wait for it
    private readonly SafeFileHandle _wake = CreateEvent(); // tells the thread that the list has changed
    private readonly Thread _thread;
    private readonly Action<Exception> _unheard;
    private Listener[] _listeners = [];           // replaced whole
    private volatile bool _ends;
    private ApertureException? _failure;          // why the thread ended

    /// <summary>Starts the thread.</summary>
    /// <param name="unheard">Hears of what those throw who should hear of what a listener throws. Must not throw itself.</param>
    public InterruptPump(Action<Exception> unheard)
    {
        _unheard = unheard;
        _thread = new Thread(Run) { IsBackground = true, Name = "interrupts" };
        _thread.Start();
    }

    /// <summary>Makes an event file.</summary>
    /// <exception cref="ApertureException">The process has no files left.</exception>
    public static SafeFileHandle CreateEvent()
    {
        var file = Libc.CreateEvent(0, Libc.EventCloseOnExec | Libc.EventNonBlocking);
        if (!file.IsInvalid)
            return file;
        var error = ErrnoExtensions.Last;
        throw new ApertureException(error.ToStatus(), $"no event file could be made: {error.Describe()}");
    }

    /// <summary>Calls somebody whenever a file was signalled.</summary>
    /// <param name="file">The event file; it stays the caller's.</param>
    /// <param name="signalled">Runs on the pump's thread.</param>
    /// <param name="failed">Hears of what it throws.</param>
    /// <returns>Dispose it to end that; the call does not run any more afterwards, except where it ends itself.</returns>
    public IDisposable Listen(SafeFileHandle file, Action signalled, Action<Exception> failed)
    {
        if (_failure is { } failure)
            throw failure;
        var listener = new Listener(this, file, signalled, failed);
        lock (_lock)
            _listeners = [.. _listeners, listener];
        Signal(_wake);
        return listener;
    }

    /// <summary>Signals an event file.</summary>
    public static void Signal(SafeFileHandle file)
    {
        ulong one = 1;
        Libc.Write(file, &one, sizeof(ulong));
    }

    /// <summary>Ends the thread.</summary>
    public void Dispose()
    {
        _ends = true;
        Signal(_wake);
        if (Environment.CurrentManagedThreadId != _thread.ManagedThreadId)
            _thread.Join();
        _wake.Dispose();
    }

    private static void Drain(SafeFileHandle file)
    {
        ulong count;
        Libc.Read(file, &count, sizeof(ulong));
    }

    private void Run()
    {
        PollEntry[] entries = [];
        Listener[] listeners = [];
        while (!_ends)
        {
            var current = Volatile.Read(ref _listeners);
            if (entries.Length == 0 || current != listeners)
            {
                listeners = current;
                entries = [Entry(_wake), .. listeners.Select(listener => Entry(listener.File))];
            }

            int ready;
            fixed (PollEntry* first = entries)
                ready = Libc.Poll(first, (nuint)entries.Length, -1);
            if (ready < 0 && ErrnoExtensions.Last == Errno.Interrupted)
                continue;
            if (ready < 0)
            {
                _failure = new ApertureException(
                    Status.IoError, $"interrupts can be waited for no more: {ErrnoExtensions.Last.Describe()}");
                return;
            }

            if (entries[0].Returned != 0)
                Drain(_wake);
            for (var i = 1; i < entries.Length; i++)
            {
                if (entries[i].Returned != 0)
                    Call(listeners[i - 1]);
            }
        }
    }

    private void Call(Listener listener)
    {
        lock (_calling)
        {
            if (!Volatile.Read(ref _listeners).Contains(listener))
                return;
            Drain(listener.File);
            try
            {
                listener.Signalled();
            }
            catch (Exception e)
            {
                Tell(listener, e);
            }
        }
    }

    /// <summary>Nobody is above this thread: what it throws would end the process, with the interrupts of all devices.</summary>
    private void Tell(Listener listener, Exception failure)
    {
        try
        {
            listener.Failed(failure);
        }
        catch (Exception e)
        {
            _unheard(e);
        }
    }

    private void Remove(Listener listener)
    {
        lock (_lock)
            _listeners = [.. _listeners.Where(other => other != listener)];
        Signal(_wake);
        lock (_calling)
        {
        }
    }

    private static PollEntry Entry(SafeFileHandle file) => new() { File = (int)file.DangerousGetHandle(), Events = Libc.PollIn };

    private sealed class Listener(InterruptPump pump, SafeFileHandle file, Action signalled, Action<Exception> failed) : IDisposable
    {
        public SafeFileHandle File { get; } = file;

        public Action Signalled { get; } = signalled;

        public Action<Exception> Failed { get; } = failed;

        public void Dispose() => pump.Remove(this);
    }
}
