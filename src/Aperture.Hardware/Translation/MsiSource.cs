using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.Threading;

namespace Aperture.Hardware.Translation;

/// <summary>An interrupt that is a message: a block writes a word to an address, through its port and so through whatever IOMMU is in
/// front of it.</summary>
/// <remarks>
/// <para>Thread-safe. The message is sent when the thread that raised it holds no <see cref="GatedLock"/>, as an interrupt line is told:
/// its way may lead through the lock of another unit.</para>
/// <para>Source: PCI Local Bus 3.0, 6.8 (a write of 32 bits; a masked message stays pending).</para>
/// </remarks>
public sealed class MsiSource : IGateEvent
{
    private readonly DmaPort _port;
    private readonly Lock _lock = new(); // guards everything below; never held while a message is under way
    private Iova _address;
    private uint _data;
    private bool _isMasked = true;
    private bool _isPending;
    private int _toSend; // raised and not yet under way
    private ulong _sent; // not guarded, as is the next
    private ulong _lost;

    /// <summary>A source: masked, until software has said where messages go.</summary>
    /// <param name="port">The block's port to memory.</param>
    public MsiSource(DmaPort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
    }

    /// <summary>Whether an interrupt was raised while the source was masked, and not sent yet.</summary>
    public bool IsPending
    {
        get
        {
            lock (_lock)
                return _isPending;
        }
    }

    /// <summary>Messages that arrived.</summary>
    public ulong Sent => Volatile.Read(ref _sent);

    /// <summary>Messages that did not: an IOMMU refused or stalled them, or nothing answered.</summary>
    public ulong Lost => Volatile.Read(ref _lost);

    /// <summary>Says where messages go.</summary>
    /// <param name="address">As the block sees it; a multiple of 4.</param>
    /// <param name="data">What is written there.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the address is no multiple of 4.</exception>
    public void Configure(Iova address, uint data)
    {
        if (!address.IsAligned(sizeof(uint)))
            throw new ApertureException(Status.InvalidArgument, $"a message cannot be written to {address}, which is no multiple of 4");
        lock (_lock)
            (_address, _data) = (address, data);
    }

    /// <summary>Masks the source, or lets it send; what became pending meanwhile is sent then, once.</summary>
    public void SetMask(bool isMasked)
    {
        lock (_lock)
        {
            _isMasked = isMasked;
            if (isMasked || !_isPending)
                return;
            _isPending = false;
            _toSend++;
        }

        EventGate.Post(this);
    }

    /// <summary>Raises the interrupt.</summary>
    public void Raise()
    {
        lock (_lock)
        {
            if (_isMasked)
            {
                _isPending = true;
                return;
            }

            _toSend++;
        }

        EventGate.Post(this);
    }

    /// <summary>A reset of the block: masked, nothing pending.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            _isMasked = true;
            _isPending = false;
            _toSend = 0;
        }
    }

    /// <inheritdoc/>
    void IGateEvent.Deliver()
    {
        Iova address;
        Span<byte> message = stackalloc byte[sizeof(uint)];
        lock (_lock)
        {
            if (_toSend == 0)
                return; // a reset came in between
            _toSend--;
            address = _address;
            BinaryPrimitives.WriteUInt32LittleEndian(message, _data);
        }

        var status = _port.Write(address, message, out _);
        Interlocked.Increment(ref status == DmaStatus.Ok ? ref _sent : ref _lost);
    }
}
