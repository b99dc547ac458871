using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;

namespace Aperture.Dma;

/// <summary>A mapping in two steps, for many ranges that come one by one and go together: take device addresses once, link memory into
/// them range by range, tell the IOMMU once, and end it all at once. No list of the memory has to be made.</summary>
/// <remarks>Used again and again; nothing is allocated on the managed heap after it has grown to its size. Not thread-safe.</remarks>
public sealed partial class LinkedMapping : IDisposable
{
    private DmaContext? _context;           // null while it has no device addresses
    private IommuOperations _operations = null!;
    private IommuDomain _domain = null!;
    private ulong _pageMask;                // one less than the bytes of a page
    private ulong _span;                    // what a table of the smallest pages covers; 0 where pages are not gathered
    private InvalidationGather _untold;     // what units have to hear of before the device uses it
    private Iova _start;                    // of the first page
    private ulong _bytes;                   // of all pages
    private ulong _offset;                  // of the first byte in the first page
    private bool _isKept;                   // what is linked is remembered: caches have to be maintained, or somebody listens
    private Protection _rights;             // for a direction without wishes, of the last link
    private int _rightsOf = -1;             // which direction that was

    /// <summary>Whether it has device addresses.</summary>
    public bool IsAllocated => _context is not null;

    /// <summary>Where the device finds the first byte.</summary>
    public Iova Address => _start + _offset;

    /// <summary>Bytes of device addresses that it has for links, from <see cref="Address"/> on.</summary>
    public ulong Length { get; private set; }

    /// <summary>Takes device addresses.</summary>
    /// <param name="context">The device's DMA API.</param>
    /// <param name="bytes">How many, at least 1.</param>
    /// <param name="first">The memory that is linked first: the device addresses begin at the same place in a page.</param>
    /// <returns>False where device addresses are not chosen by a table: without an IOMMU, or where bytes may have to be copied. There
    /// every range is mapped by itself (<see cref="DmaContext.Map"/>, <see cref="DmaContext.MapScatter"/>).</returns>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: it has some; <see cref="Status.NoSpace"/>: none are left, and the
    /// message names who holds them; <see cref="Status.NotSupported"/>: the device wants more address bits kept than pages
    /// have.</exception>
    public bool TryAllocate(DmaContext context, ulong bytes, PhysicalAddress first = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        if (_context is not null)
            throw new ApertureException(Status.Busy, $"a linked mapping of {_context.DeviceName} was allocated again before it was freed");
        if (context.LinkOperations is not { } operations)
            return false;
        var offset = first.Value & (operations.Granule - 1);
        var whole = (offset + bytes + operations.Granule - 1) & ~(operations.Granule - 1);
        context.TakeAddresses(operations, whole, out _start);
        (_context, _operations, _domain, _pageMask) = (context, operations, operations.Domain, operations.Granule - 1);
        (_bytes, _offset, Length) = (whole, offset, bytes);
        _isKept = context.KeepsLinks;
        _span = _isKept ? 0 : _domain.TableSpan;
        _lastPhysical = _domain.LastPhysical;
        _rightsOf = -1;
        return true;
    }

    /// <summary>Links memory to some of the device addresses. The device must not use them before <see cref="Sync"/>.</summary>
    /// <param name="offset">Of the first byte, from <see cref="Address"/> on: at the same place in a page as the memory.</param>
    /// <param name="memory">At least one byte. What is linked next begins on another page of the device.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="DmaContext.MapAt"/>. What was linked before stands.</exception>
    public void Link(ulong offset, in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (!TryBatch(offset, memory, direction, attributes))
            LinkNow(offset, memory, direction, attributes, file, line);
    }

    // A method of its own, so that nothing has to be cleared for a page that only waits for others.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LinkNow(
        ulong offset, in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes, string file, int line)
    {
        var status = Put(offset, memory, direction, attributes, file, line);
        if (status != Status.Ok)
            throw Context.LinkRefusal(Address + offset, memory, direction, attributes, status);
    }

    /// <summary>Links memory; failure is a result.</summary>
    /// <inheritdoc cref="Link"/>
    public Status TryLink(ulong offset, in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        TryBatch(offset, memory, direction, attributes) ? Status.Ok : Put(offset, memory, direction, attributes, file, line);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status Put(ulong offset, in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes, string file, int line)
    {
        var page = _pageMask;
        var length = (ulong)memory.Length;
        var physical = memory.Address.Value;
        var at = _offset + offset;
        // Without device addresses there is no room either.
        if (length == 0 || offset > Length || length > Length - offset || ((at ^ physical) & page) != 0)
            return WhyNot();
        var rights = _rights;
        if ((int)direction != _rightsOf || attributes != DmaAttributes.None || !memory.HasView)
        {
            var status = Check(memory, direction, attributes, out rights);
            if (status != Status.Ok)
                return status;
        }

        var first = at & ~page;
        var end = (at + length + page) & ~page;
        var mapped = MapNow(first, end, new PhysicalAddress(physical & ~page), rights);
        if (mapped == Status.Ok && _isKept)
            Keep(new Piece(offset, memory, direction, (rights & Protection.Mmio) == 0, _context!.NextSerial()), attributes, file, line);
        return mapped;
    }

    /// <summary>What else there is to look at, the first time for a direction and wherever something is wished for.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status Check(in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes, out Protection rights)
    {
        var status = Context.CheckLink(memory, direction, attributes, out rights);
        // What a device that does not snoop may be given depends on the memory as well.
        if (status == Status.Ok && attributes == DmaAttributes.None && memory.HasView && !_isKept)
            (_rights, _rightsOf) = (rights, (int)direction);
        return status;
    }

    private Status WhyNot() => Context.IsAttached ? Status.InvalidArgument : Status.NoDevice;

    /// <summary>Lets the device use what was linked since the last time.</summary>
    /// <exception cref="ApertureException">A unit could not be told; what is linked stays linked.</exception>
    public void Sync()
    {
        var context = Context;
        var told = MapBatch();
        if (told == Status.Ok)
            told = _domain.Commit(ref _untold);
        if (told != Status.Ok)
            throw context.NotLinked(Address, Length, told);
    }
}
