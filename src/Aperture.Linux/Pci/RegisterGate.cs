using Aperture.Core.Threading;

namespace Aperture.Linux.Pci;

/// <summary>Whether the registers of a PCI function answer. An access to mapped memory that does not answer ends the process (SIGBUS,
/// which .NET cannot turn into an exception), so that none may begin then, and what stops the function from answering waits for those
/// under way.</summary>
/// <remarks>Accesses come from any thread and pay two plain stores; who closes the gate pays a barrier in all threads.</remarks>
internal sealed class RegisterGate
{
    private readonly AccessEpoch _accesses = new();
    private readonly Lock _lock = new();
    private volatile GateReason _closed; // everything that keeps the gate closed

    /// <summary>Why the registers do not answer.</summary>
    public GateReason Closed => _closed;

    /// <summary>Begins an access: the gate closes no earlier than it ends. Look at <see cref="Closed"/> first thing.</summary>
    public AccessEpoch.Scope Enter() => _accesses.Enter();

    /// <summary>Lets no access begin from here on, and returns when those of other threads have ended.</summary>
    public void Close(GateReason reason)
    {
        lock (_lock)
            _closed |= reason;
        _accesses.WaitForReaders();
    }

    /// <summary>Takes a reason away. What was closed for good stays closed.</summary>
    public void Open(GateReason reason)
    {
        lock (_lock)
            _closed &= ~(reason & ~GateReason.ForGood);
    }

    /// <summary>A reason in words.</summary>
    public static string Describe(GateReason reason) => reason switch
    {
        _ when (reason & GateReason.Removed) != 0 => "the device has been closed, the kernel wants it back: it is unplugged or unbound",
        _ when (reason & GateReason.Failed) != 0 => "the device has been closed: the bus reported an error that it cannot recover from",
        _ when (reason & GateReason.Disposed) != 0 => "the device has been closed",
        _ when (reason & GateReason.LowPower) != 0 => "the function is in a low-power state (PMCSR): put it into D0 first",
        _ when (reason & GateReason.NoMemorySpace) != 0 => "memory decoding is off (bit 1 of the command register): switch it on first",
        _ => "the device is off, in reset or not there",
    };
}
