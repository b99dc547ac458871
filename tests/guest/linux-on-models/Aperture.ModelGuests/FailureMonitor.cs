using System.Collections.Concurrent;
using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.ModelGuests;

/// <summary>Keeps what the disk's unit did not let through, in order, each once: an access that is held back comes again.</summary>
/// <param name="expected">Where an access is expected not to go through.</param>
internal sealed class FailureMonitor(ulong expected) : IDmaMonitor
{
    private readonly ConcurrentQueue<Access> _failures = new();
    private Access? _last;

    public IReadOnlyCollection<Access> Failures => _failures;

    /// <summary>Called when the first access that did not go through was none of those expected.</summary>
    public Action? Unexpected { get; set; }

    public void OnRead(DmaPort port, Iova address, PhysicalAddress physical, int length, DmaStatus status) =>
        Note(address, false, status);

    public void OnWrite(DmaPort port, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, DmaStatus status) =>
        Note(address, true, status);

    private void Add(Access access)
    {
        if (_last is null && access.Address != expected)
            Unexpected?.Invoke();
        _failures.Enqueue(_last = access);
    }

    private void Note(Iova address, bool isWrite, DmaStatus status)
    {
        var access = new Access(address.Value, isWrite, status);
        if (status != DmaStatus.Ok && access != _last)
            Add(access);
    }
}
