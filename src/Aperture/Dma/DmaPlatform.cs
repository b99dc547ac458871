using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

/// <summary>What the DMA API of all devices of a machine has in common.</summary>
public sealed class DmaPlatform
{
    private readonly Lock _lock = new();
    private BouncePool? _bounce; // made when the first device asks
    private PeerMemory[] _peers = []; // replaced whole

    /// <summary>A platform.</summary>
    /// <param name="memory">Where drivers get memory.</param>
    /// <param name="time">The machine's clock; the system's when null.</param>
    public DmaPlatform(SystemMemory memory, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Memory = memory;
        Time = time ?? TimeProvider.System;
    }

    /// <summary>Where drivers get memory.</summary>
    public SystemMemory Memory { get; }

    /// <summary>The machine's clock: deferred flush uses it.</summary>
    public TimeProvider Time { get; }

    /// <summary>Memory set aside for contiguous allocations of more than a page by devices without an area of their own; null for none. It
    /// is tried first.</summary>
    public SystemMemory? ContiguousArea { get; set; }

    /// <summary>Where coherent memory comes from, and from nowhere else, of devices that neither snoop, nor have an IOMMU in front or a
    /// pool of their own (<c>shared-dma-pool</c> with <c>linux,dma-default</c>); null for none.</summary>
    public SystemMemory? CoherentPool { get; set; }

    /// <summary>The physical address that a device without an IOMMU must at least be able to name, or the highest of memory where that is
    /// lower: a driver that says fewer than 32 address bits, and too few for it, is refused. Default 24 bits, as in Linux; set it where
    /// memory does not begin at 0 and buses have windows.</summary>
    public PhysicalAddress ZoneLimit { get; set; } = new(0xFF_FFFF);

    /// <summary>How large the machine's bounce pool is. Set it before the first device uses the pool.</summary>
    public BounceOptions Bounce { get; set; } = new();

    /// <summary>Whether every streaming mapping of devices without an IOMMU bounces. Counts for devices that are attached from then
    /// on.</summary>
    public bool ForceBounce { get; set; }

    /// <summary>What is done to the CPU's caches for devices that do not snoop. Default <see cref="CacheMaintenance.Arm64"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: <see cref="CacheMaintenance.MipsInOrder"/> with memory whose
    /// caches speculate (<see cref="SystemMemory.Speculates"/>): the CPU would see old bytes after each transfer.</exception>
    public CacheMaintenance Maintenance
    {
        get;
        set => field = value != CacheMaintenance.MipsInOrder || !Memory.Speculates ? value : throw new ApertureException(
            Status.NotSupported,
            $"{value} does nothing when the CPU gets memory back, which is right for cores that do not speculate; the caches of this "
            + $"machine do, and the CPU would see old bytes: use {CacheMaintenance.Mips}");
    }

    /// <summary>The machine's bounce pool. It takes no memory before it is used.</summary>
    public BouncePool BouncePool
    {
        get
        {
            lock (_lock)
                return _bounce ??= new BouncePool(Memory, Bounce);
        }
    }

    /// <summary>Whether any device has published memory.</summary>
    internal bool HasPeers => Volatile.Read(ref _peers).Length > 0;

    /// <summary>The device memory that a range lies in, or null.</summary>
    internal PeerMemory? FindPeer(PhysicalAddress address, ulong length)
    {
        foreach (var peer in Volatile.Read(ref _peers))
        {
            if (peer.Range.Contains(address, length))
                return peer;
        }

        return null;
    }

    internal void Add(PeerMemory peer)
    {
        lock (_lock)
        {
            if (Array.Find(_peers, other => other.Range.Overlaps(peer.Range)) is { } taken)
                throw new ApertureException(Status.AlreadyExists,
                    $"{peer.Provider.Name} cannot publish {peer.Range}: {taken.Provider.Name} has published {taken.Range}");
            Volatile.Write(ref _peers, [.. _peers, peer]);
        }
    }

    internal bool Remove(PeerMemory peer)
    {
        lock (_lock)
        {
            var left = Array.FindAll(_peers, other => other != peer);
            var isFound = left.Length < _peers.Length;
            Volatile.Write(ref _peers, left);
            return isFound;
        }
    }

    /// <summary>Ends the figures of what the machine's devices have in common: the machine is gone.</summary>
    public void Close()
    {
        lock (_lock)
            _bounce?.Close();
    }

    /// <summary>Hears of every call of the DMA API; null, the default, for nobody. Counts for devices that are attached from then
    /// on.</summary>
    internal DmaObserver? Observer { get; set; }
}
