using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Dma;

/// <summary>A streaming mapping: the device owns the bytes until it is disposed, once.</summary>
public readonly record struct DmaMapping : IDisposable
{
    private readonly DmaContext? _context;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal DmaMapping(
        DmaContext context,
        Iova address,
        PhysicalAddress physical,
        ulong length,
        DmaDirection direction,
        DmaAttributes attributes,
        MappingFlags flags,
        uint serial = 0)
    {
        _context = context;
        Address = address;
        Physical = physical;
        Length = length;
        Direction = direction;
        Attributes = attributes;
        Flags = flags;
        Serial = serial;
    }

    /// <summary>Where the device finds the first byte; all ones when the mapping failed. Zero is a valid address.</summary>
    public Iova Address { get; }

    /// <summary>Bytes.</summary>
    public ulong Length { get; }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction { get; }

    /// <summary>What was wished for.</summary>
    public DmaAttributes Attributes { get; }

    /// <summary>Whether the mapping was made. Asking counts as having checked for failure.</summary>
    public bool IsMapped
    {
        get
        {
            _context?.Check(this);
            return _context is not null && (Flags & MappingFlags.Failed) == 0;
        }
    }

    /// <summary>Whether the sync calls have anything to do: not for a device that snoops and reaches the memory itself, unless a sanitizer
    /// listens, which wants to hear of them.</summary>
    public bool NeedsSync => (Attributes & DmaAttributes.RequireCoherent) == 0 && (_context?.NeedsSync(Flags) ?? false);

    /// <summary>The memory that the device's accesses go to.</summary>
    internal PhysicalAddress Physical { get; }

    /// <summary>What kind of mapping it is.</summary>
    internal MappingFlags Flags { get; }

    /// <summary>Tells it from all others of its device, ended ones too, while somebody listens; else 0.</summary>
    internal uint Serial { get; }

    /// <summary>Gives all bytes to the CPU for a while; the mapping stays.</summary>
    public void SyncForCpu([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Sync(0, Length, true, file, line);

    /// <summary>Gives some of the bytes to the CPU for a while.</summary>
    /// <param name="offset">The first of them, from the start of the mapping.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are not inside the mapping.</exception>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the mapping was ended before, where the path can
    /// tell.</exception>
    public void SyncForCpu(ulong offset, ulong length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Sync(offset, length, true, file, line);

    /// <summary>Gives all bytes back to the device.</summary>
    public void SyncForDevice([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Sync(0, Length, false, file, line);

    /// <summary>Gives some of the bytes back to the device.</summary>
    /// <inheritdoc cref="SyncForCpu(ulong, ulong, string, int)"/>
    public void SyncForDevice(ulong offset, ulong length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Sync(offset, length, false, file, line);

    /// <summary>Ends the mapping: the CPU owns the bytes again, the device cannot reach them any more (with deferred flush: soon). All that
    /// the device may have written is seen or copied back, also after a map with <see cref="DmaAttributes.SkipCpuSync"/>; to leave that
    /// out, say so to <see cref="Unmap"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: it was ended before, where the path can tell;
    /// <see cref="Status.IoError"/>, <see cref="Status.TimedOut"/>: it has ended, but an IOMMU failed, and until that was programmed afresh
    /// the device may still reach the memory, which must not be used for anything else
    /// (<see cref="DmaContext.WhenUnreachable"/>).</exception>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        // Whoever looked whether it was made passes here, too.
        if ((Flags & MappingFlags.Failed) == 0)
            _context?.Unmap(this, DmaAttributes.None, file, line);
    }

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);

    /// <summary>Ends the mapping, as <see cref="Dispose"/> does unless a wish is given. What the map was given counts for the map
    /// alone.</summary>
    /// <param name="attributes"><see cref="DmaAttributes.SkipCpuSync"/>, or none.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">Other wishes; the mapping stands.</exception>
    public void Unmap(DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CheckUnmap(attributes);
        _context?.Unmap(this, attributes, file, line);
    }

    internal static void CheckUnmap(DmaAttributes attributes)
    {
        if ((attributes & ~DmaAttributes.SkipCpuSync) != 0)
            throw new ArgumentOutOfRangeException(nameof(attributes), attributes, "an unmap can only skip the CPU's sync");
    }

    /// <summary>The same mapping as another device's in the same domain, which may end it from now on.</summary>
    internal DmaMapping HandTo(DmaContext context) => new(context, Address, Physical, Length, Direction, Attributes, Flags, Serial);

    /// <summary>Ends the mapping; a unit that could not be told is a result.</summary>
    internal Status TryEnd(DmaAttributes attributes, string file, int line) =>
        _context?.TryUnmap(this, attributes, file, line) ?? Status.Ok;

    /// <summary>What a failed end throws.</summary>
    internal ApertureException NotInvalidated(Status status) => _context!.NotInvalidated(Address, Length, status);

    /// <summary>Runs an action when no unit can reach the memory any more.</summary>
    internal void WhenUnreachable(Action action) => _context!.WhenUnreachable(action);

    private void Sync(ulong offset, ulong length, bool forCpu, string file, int line)
    {
        if (_context is null)
            return;
        if (offset > Length || length > Length - offset)
            throw new ArgumentOutOfRangeException(
                nameof(offset),
                offset,
                $"0x{length:x} bytes from 0x{offset:x} on are not inside the mapping of 0x{Length:x} bytes at {Address}");
        _context.Sync(this, offset, length, forCpu, file, line);
    }
}

/// <summary>What kind of mapping it is.</summary>
[Flags]
internal enum MappingFlags : byte
{
    None = 0,
    Bounced = 1,
    Resource = 2,
    Counted = 4,
    Failed = 8,
    Peer = 16, // a resource that a driver need not tell from memory
}
