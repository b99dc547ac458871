using System.Threading.Tasks.Sources;
using Aperture.Datasheets.Nvme;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

/// <summary>A request of a caller: one or more commands, and what the caller awaits. Used again and again.</summary>
internal sealed class NvmeOperation : IValueTaskSource, IValueTaskSource<bool>
{
    private readonly NvmeIoQueue _queue;
    private ManualResetValueTaskSourceCore<bool> _core;

    public NvmeOperation(NvmeIoQueue queue, bool continueAsynchronously)
    {
        _queue = queue;
        _core.RunContinuationsAsynchronously = continueAsynchronously;
    }

    // All below are guarded by the queue's gate while the request is under way.

    /// <summary>The next one in the list in which it is: waiting, over, or unused.</summary>
    public NvmeOperation? Next;

    /// <summary>The namespace.</summary>
    public NvmeNamespaceDevice? Namespace;

    /// <summary>The command.</summary>
    public NvmeOpcode Opcode;

    /// <summary>The first block.</summary>
    public ulong Block;

    /// <summary>Blocks; 1 for a flush.</summary>
    public ulong Count;

    /// <summary>Blocks that commands were made for.</summary>
    public ulong Taken;

    /// <summary>Most blocks of a command.</summary>
    public uint Most;

    /// <summary>Driver memory of the caller; empty without.</summary>
    public MemoryBlock Memory;

    /// <summary>Other memory of the caller; empty without.</summary>
    public Memory<byte> Managed;

    /// <summary>Whether data go through the driver's own buffers.</summary>
    public bool IsBounced;

    /// <summary>Commands that are not over.</summary>
    public int Open;

    /// <summary>Whether it stands in the line of those that commands are still made for.</summary>
    public bool IsWaiting;

    /// <summary>Whether nothing will happen to it any more.</summary>
    public bool IsOver;

    /// <summary>Whether it was cancelled.</summary>
    public bool IsCancelled;

    /// <summary>Whether one of its commands was not done because it was cancelled.</summary>
    public bool IsCut;

    /// <summary>Why it fails; null while it does not.</summary>
    public Exception? Error;

    /// <summary>Whether a compare found a difference.</summary>
    public bool IsDifferent;

    /// <summary>The token that cancels it.</summary>
    public CancellationToken Token;

    /// <summary>Hears of the token.</summary>
    public CancellationTokenRegistration Registration;

    /// <summary>Which use of this it is.</summary>
    public short Version => _core.Version;

    /// <summary>Whether data come from the controller.</summary>
    public bool IsRead => Opcode == NvmeOpcode.Read;

    /// <summary>Whether there are data.</summary>
    public bool HasData => Opcode is NvmeOpcode.Read or NvmeOpcode.Write or NvmeOpcode.Compare;

    /// <summary>Whether the result is there.</summary>
    public bool IsFinished(short version) => _core.GetStatus(version) != ValueTaskSourceStatus.Pending;

    /// <summary>Tells the result; called once, by whoever took it out of the list of those that are over.</summary>
    public void Finish()
    {
        Registration.Dispose();
        if (Error is not null)
            _core.SetException(Error);
        else if (IsCut || (IsCancelled && Taken != Count))
            _core.SetException(new OperationCanceledException(Token));
        else
            _core.SetResult(!IsDifferent);
    }

    /// <summary>The result: for a compare, whether all is the same.</summary>
    /// <exception cref="Exception">What the request failed with.</exception>
    public bool GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            if (token == _core.Version)
                Recycle();
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Cancels the request: no further commands, and those under way are to be aborted.</summary>
    public void Cancel() => _queue.Cancel(this);

    private void Recycle()
    {
        _core.Reset();
        Namespace = null;
        Memory = default;
        Managed = default;
        Error = null;
        Token = default;
        Registration = default;
        Taken = 0;
        IsOver = IsCancelled = IsCut = IsDifferent = false;
        _queue.GiveBack(this);
    }
}
