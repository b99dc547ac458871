using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// Memory that comes with its mapping.
public sealed partial class DmaContext
{
    private const DmaAttributes AllocationAttributes = DmaAttributes.WriteCombine | DmaAttributes.NoKernelMapping
        | DmaAttributes.ForceContiguous | DmaAttributes.AllocSinglePages | DmaAttributes.NoWarn | DmaAttributes.Privileged;

    /// <summary>Allocates zeroed memory that the CPU and the device see alike. For a device that does not snoop it has no cached view while
    /// it is out.</summary>
    /// <remarks>Behind an IOMMU it is gathered from pieces when there is no single one, unless
    /// <see cref="DmaAttributes.ForceContiguous"/> asks for one (<see cref="CoherentBuffer.Pieces"/>).
    /// It comes from the device's own pool if it has one, and then from nowhere else; from its restricted bounce pool, likewise;
    /// from its contiguous area, likewise; from the machine's contiguous area, for more than a page; or from the machine's memory. A device
    /// that neither snoops nor has an IOMMU gets it from the machine's coherent pool, if there is one, before any of these but its own
    /// pool.</remarks>
    /// <param name="bytes">At least 1.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/> or <see cref="Status.NoSpace"/>, naming the size and the device;
    /// <see cref="Status.NotSupported"/>, naming the wishes.</exception>
    public CoherentBuffer Allocate(int bytes, DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        AllocateIn(null, bytes, attributes, file, line);

    /// <summary>Allocates coherent memory out of one of the device's memory regions, and from nowhere else.</summary>
    /// <param name="region">A region that is a pool.</param>
    /// <param name="bytes">At least 1.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the region is a carve-out, which is mapped as it is; else
    /// as above.</exception>
    public CoherentBuffer AllocateFrom(DeviceRegion region, int bytes, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(region);
        if (region.Pool is not { } pool)
            throw new ApertureException(Status.InvalidArgument,
                $"{_device.Name} cannot allocate from {region}: it is no pool of memory; map its Memory instead");
        return AllocateIn(pool, bytes, attributes, file, line);
    }

    private CoherentBuffer AllocateIn(SystemMemory? region, int bytes, DmaAttributes attributes, string file, int line)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        var operations = Operations;
        MemoryBlock memory = default;
        AllocationSource source = default;
        var address = Failed;
        ulong mapped = 0;
        var status = (attributes & ~AllocationAttributes) == 0
            ? TakeMemory(bytes, isCoherent: true, CoherentLimit, attributes, out memory, out source, region) : Status.NotSupported;
        if (status == Status.NoMemory && CanGather(region, attributes))
            status = Gather(bytes, attributes, ref source, out memory);
        if (status == Status.Ok)
        {
            status = operations.MapAllocation(this, source.Pieces ?? new ReadOnlySpan<MemoryBlock>(in memory), attributes,
                DmaDirection.Bidirectional, out address, out mapped);
            if (status != Status.Ok)
                GiveBack(source, memory);
        }

        if (_isWatched)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.Allocate,
                Address = address,
                Physical = source.Pieces is [var first, ..] ? first.Address : memory.Address,
                Origin = memory.Address,
                Memory = source.Pieces,
                Length = (ulong)bytes,
                Attributes = attributes,
                Status = status,
                File = file,
                Line = line
            });
        if (status == Status.Ok)
            return new CoherentBuffer(this, memory, address, mapped, attributes, source);
        throw Fail(Unallocated(bytes, status, attributes, source, true));
    }

    /// <summary>Allocates memory whose writes by the CPU are combined rather than cached: for pictures and the like.</summary>
    /// <inheritdoc cref="Allocate"/>
    public CoherentBuffer AllocateWriteCombined(int bytes, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Allocate(bytes, DmaAttributes.WriteCombine, file, line);

    /// <summary>Allocates ordinary, cached, zeroed memory with a mapping that stays: sync it like any streaming mapping.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Allocate"/>.</exception>
    public NoncoherentBuffer AllocatePages(int bytes, DmaDirection direction, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        var status = TakeMemory(bytes, isCoherent: false, Limit, DmaAttributes.None, out var memory, out var source);
        if (status != Status.Ok)
            throw Fail(Unallocated(bytes, status, DmaAttributes.None, source, false) with { Direction = direction });
        status = TryMap(memory, direction, out var mapping, DmaAttributes.None, file, line);
        if (status == Status.Ok)
            return new NoncoherentBuffer(this, memory, mapping, source);
        GiveBack(source, memory);
        throw Failure(Unallocated(bytes, status, DmaAttributes.None, source, false) with { Direction = direction });
    }

    /// <summary>Allocates cached, zeroed memory in as large pieces as there are, which the device sees as one range. Without an IOMMU it is
    /// one piece.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">None, or <see cref="DmaAttributes.AllocSinglePages"/>.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Allocate"/>.</exception>
    public NoncontiguousBuffer AllocateNoncontiguous(int bytes, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        var pieces = new List<MemoryBlock>();
        var operations = Operations;
        var source = new AllocationSource(Memory, null, false);
        var status = (attributes & ~DmaAttributes.AllocSinglePages) != 0 ? Status.NotSupported
            : (uint)direction > (uint)DmaDirection.FromDevice ? Status.InvalidArgument : Status.Ok;
        if (status == Status.Ok && operations.IsDirect)
        {
            status = TakeMemory(bytes, isCoherent: false, CoherentLimit, attributes, out var memory, out source);
            if (status == Status.Ok)
                pieces.Add(memory);
        }
        else if (status == Status.Ok)
        {
            status = TakePieces(bytes, attributes, pieces);
        }

        Iova address = default;
        ulong mapped = 0;
        var array = pieces.ToArray();
        if (status == Status.Ok)
            status = operations.MapAllocation(this, array, DmaAttributes.None, direction, out address, out mapped);
        if (status != Status.Ok)
        {
            foreach (var piece in array)
                GiveBack(source, piece);
            throw Fail(Unallocated(bytes, status, attributes, source, true) with { Direction = direction });
        }

        if (_cached)
        {
            foreach (var piece in array)
                ForDevice(piece.Address, (ulong)piece.Length, direction, false);
        }

        if (_isWatched)
            TellPages(DmaEventKind.AllocatePages, address, array, direction, file, line);
        return new NoncontiguousBuffer(this, array, address, mapped, bytes, direction, source);
    }

    internal void FreeNoncontiguous(NoncontiguousBuffer buffer, ulong mapped, in AllocationSource source, string file, int line)
    {
        if (_isWatched)
            TellPages(DmaEventKind.FreePages, buffer.Address, buffer.Pieces, buffer.Direction, file, line);
        Revoke(buffer.Address, buffer.Length);
        Operations.UnmapAllocation(this, buffer.Address, mapped);
        FlushUnmaps();
        foreach (var piece in buffer.Pieces)
            GiveBack(source, piece);
    }

    /// <summary>Tells of pieces that the device sees as one range.</summary>
    private void TellPages(DmaEventKind kind, Iova address, ReadOnlySpan<MemoryBlock> pieces, DmaDirection direction, string file, int line)
    {
        ulong bytes = 0;
        foreach (var piece in pieces)
            bytes += (ulong)piece.Length;
        var segment = new DmaSegment(address, bytes);
        Tell(new DmaEvent
        {
            Kind = kind,
            Address = address,
            Memory = pieces,
            Segments = new ReadOnlySpan<DmaSegment>(in segment),
            Length = bytes,
            Direction = direction,
            File = file,
            Line = line
        });
    }

    internal void FreePages(in NoncoherentBuffer buffer, in AllocationSource source, string file, int line)
    {
        Revoke(buffer.Mapping.Address, buffer.Memory.Length);
        TryUnmap(buffer.Mapping, DmaAttributes.SkipCpuSync, file, line);
        FlushUnmaps();
        GiveBack(source, buffer.Memory);
    }

    internal void Free(in CoherentBuffer buffer, string file, int line)
    {
        if (_isWatched)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.Free,
                Address = buffer.Address,
                Physical = buffer.Source.Pieces is [var first, ..] ? first.Address : buffer.Backing.Address,
                Origin = buffer.Backing.Address,
                Length = (ulong)buffer.Length,
                Attributes = buffer.Attributes,
                File = file,
                Line = line
            });
        Revoke(buffer.Address, buffer.Length);
        Operations.UnmapAllocation(this, buffer.Address, buffer.Mapped);
        FlushUnmaps();
        GiveBack(buffer.Source, buffer.Backing);
    }

    private Refusal Unallocated(int bytes, Status status, DmaAttributes attributes, in AllocationSource source, bool isCoherent) =>
        new("allocate", (ulong)bytes, status == Status.OutOfRange ? Status.NoMemory : status, attributes)
        {
            IsCoherent = isCoherent,
            Source = source.Memory,
            Highest = Operations.IsDirect ? HighestPhysical(isCoherent ? CoherentLimit : Limit) : new PhysicalAddress(ulong.MaxValue),
        };

    /// <summary>Memory in the order of preference.</summary>
    private Status TakeMemory(int bytes, bool isCoherent, Iova limit, DmaAttributes attributes, out MemoryBlock memory,
        out AllocationSource source, SystemMemory? region = null)
    {
        var platform = Platform;
        var description = _device.Description;
        var isUncached = isCoherent && _cached;
        var isDirect = Operations.IsDirect;
        var highest = isDirect ? HighestPhysical(limit) : new PhysicalAddress(ulong.MaxValue);
        var pool = region ?? (isCoherent ? description.CoherentPool : null);
        if (pool is null && isCoherent && isDirect && !Snoops && (attributes & DmaAttributes.NoKernelMapping) == 0)
            pool = platform.CoherentPool;
        if (pool is null && isDirect && description.BouncePool is { } restricted)
            return TakeSlots(restricted, bytes, limit, isUncached, out memory, out source);

        var exclusive = pool ?? description.ContiguousArea;
        source = new AllocationSource(exclusive ?? platform.ContiguousArea ?? platform.Memory, null, isUncached);
        if (exclusive is not null)
            return Take(exclusive, out memory) ? Status.Ok : Status.NoMemory;
        if (platform.ContiguousArea is { } area && bytes > 4096 && Take(area, out memory))
            return Status.Ok;
        source = source with { Memory = platform.Memory };
        return Take(platform.Memory, out memory) ? Status.Ok : Status.NoMemory;

        bool Take(SystemMemory from, out MemoryBlock block)
        {
            if (!from.TryAllocate(bytes, highest, out block))
                return false;
            from.Share(block);
            if (isUncached)
                block = from.MakeUncached(block);
            return true;
        }
    }

    /// <summary>Whether coherent memory may be made of pieces: an IOMMU shows them as one range, and no pool has to have it all.</summary>
    private bool CanGather(SystemMemory? region, DmaAttributes attributes) => !Operations.IsDirect && region is null
        && (attributes & DmaAttributes.ForceContiguous) == 0
        && _device.Description is { CoherentPool: null, ContiguousArea: null };

    /// <summary>Coherent memory in pieces, with one view for the CPU.</summary>
    private unsafe Status Gather(int bytes, DmaAttributes attributes, ref AllocationSource source, out MemoryBlock memory)
    {
        memory = new MemoryBlock(null, default, bytes); // all that there is without a view
        var system = Memory;
        var pieces = new List<MemoryBlock>();
        var status = TakePieces(bytes, attributes, pieces);
        var gathered = new AllocationSource(system, null, false, pieces.ToArray());
        if (status == Status.Ok && source.IsUncached)
            gathered = gathered with { IsUncached = true, Pieces = Array.ConvertAll(gathered.Pieces!, system.MakeUncached) };
        if (status == Status.Ok && (attributes & DmaAttributes.NoKernelMapping) == 0 && !system.TryJoin(gathered.Pieces, out memory))
            status = Status.NoMemory;
        if (status == Status.Ok)
            source = gathered;
        else
            gathered.Free(default);
        return status;
    }

    private unsafe Status TakeSlots(BouncePool pool, int bytes, Iova limit, bool isUncached, out MemoryBlock memory,
        out AllocationSource source)
    {
        memory = default;
        source = default;
        var size = System.Numerics.BitOperations.RoundUpToPowerOf2(Math.Max(4096UL, (ulong)bytes));
        var status = pool.TryTake(
            new BounceRequest { Owner = this, Length = size, AllocAlignMask = size - 1, Boundary = ulong.MaxValue, Limit = limit },
            out var address);
        if (status != Status.Ok)
            return status == Status.InvalidArgument ? Status.NoSpace : status;
        var span = pool.Span(address, (int)size);
        span.Clear();
        memory = new MemoryBlock((byte*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(span)), address,
            bytes);
        if (isUncached)
            memory = pool.Source.MakeUncached(memory);
        source = new AllocationSource(null, pool, isUncached);
        return Status.Ok;
    }

    /// <summary>The largest pieces first; a size that is not to be had is not tried again for this buffer.</summary>
    private Status TakePieces(int bytes, DmaAttributes attributes, List<MemoryBlock> pieces)
    {
        var left = bytes;
        var largest = (attributes & DmaAttributes.AllocSinglePages) != 0 ? 4096 : 4 << 20;
        while (left > 0)
        {
            var size = Math.Min(left, largest);
            if (size < left && size > 4096)
                size = 1 << System.Numerics.BitOperations.Log2((uint)size);
            if (Memory.TryAllocate(size, new PhysicalAddress(ulong.MaxValue), out var piece))
            {
                Memory.Share(piece);
                pieces.Add(piece);
                left -= size;
                continue;
            }

            if (size <= 4096)
                return Status.NoMemory;
            largest = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)size) / 2;
        }

        return Status.Ok;
    }
}
