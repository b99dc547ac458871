using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Operations;

namespace Aperture.Dma.Memory;

/// <summary>Memory that the CPU and a device see alike at any time. Dispose it once to give it back.</summary>
public readonly unsafe struct CoherentBuffer : IDisposable, IEquatable<CoherentBuffer>
{
    private readonly DmaContext? _context;

    internal CoherentBuffer(DmaContext context, MemoryBlock memory, Iova address, ulong mapped, DmaAttributes attributes,
        AllocationSource source)
    {
        _context = context;
        Backing = memory;
        Address = address;
        Mapped = mapped;
        Attributes = attributes;
        Source = source;
    }

    /// <summary>The memory; without a view for the CPU after <see cref="DmaAttributes.NoKernelMapping"/>.</summary>
    public MemoryBlock Memory => HasView ? Backing : new MemoryBlock(null, Backing.Address, Backing.Length);

    /// <summary>The bytes.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotPermitted"/>: it was allocated with
    /// <see cref="DmaAttributes.NoKernelMapping"/>.</exception>
    public Span<byte> Span => HasView ? Backing.Span
        : throw new ApertureException(Status.NotPermitted,
        $"the buffer at device address {Address} was allocated without a view for the CPU");

    /// <summary>The blocks of memory that it is made of, in the order in which the device sees them: more than one where it was gathered
    /// behind an IOMMU. Then <see cref="Memory"/> and <see cref="Span"/> show all of them, and have no physical address of their
    /// own.</summary>
    public IReadOnlyList<MemoryBlock> Pieces => Source.Pieces ?? [Backing];

    /// <summary>Where the device finds it.</summary>
    public Iova Address { get; }

    /// <summary>Bytes.</summary>
    public int Length => Backing.Length;

    /// <summary>What was wished for.</summary>
    public DmaAttributes Attributes { get; }

    /// <summary>The memory behind it.</summary>
    internal MemoryBlock Backing { get; }

    /// <summary>Bytes of device address space that it takes.</summary>
    internal ulong Mapped { get; }

    /// <summary>Where it goes back to.</summary>
    internal AllocationSource Source { get; }

    private bool HasView => (Attributes & DmaAttributes.NoKernelMapping) == 0;

    /// <summary>Shows all or a part of it to user space, as far as a process has that here: a view that knows its bounds and ends with the
    /// buffer.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: not inside the buffer.</exception>
    public UserView MapToUser(int offset, int length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        (_context ?? throw new ApertureException(Status.InvalidArgument, "there is no buffer"))
            .MapToUser(Backing, Address, offset, length, file, line);

    /// <summary>Gives the memory back. The device must not use it any more.</summary>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => _context?.Free(this, file, line);

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);

    /// <inheritdoc/>
    public bool Equals(CoherentBuffer other) => _context == other._context && Backing == other.Backing && Address == other.Address;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CoherentBuffer other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Backing, Address);

    /// <summary>Whether both are the same allocation.</summary>
    public static bool operator ==(CoherentBuffer left, CoherentBuffer right) => left.Equals(right);

    /// <summary>Whether they are different allocations.</summary>
    public static bool operator !=(CoherentBuffer left, CoherentBuffer right) => !left.Equals(right);
}
