using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>One access of a master, as it arrives at a translation unit.</summary>
public readonly record struct BusRequest
{
    private const int KindShift = 20; // in the requester's second word, where it has nothing
    private const uint KindMask = 0xF << KindShift;
    private const int TagShift = 32;
    private const int AccessShift = 56;

    // Two words beside the address, each written at once: who asks, with the kind of the access in the upper half, which is zero for most;
    // length, tag, and whether it writes.
    private readonly ulong _who;
    private readonly ulong _what;

    /// <summary>An access.</summary>
    /// <param name="requester">Who makes it.</param>
    /// <param name="address">The first byte.</param>
    /// <param name="access">Read or write.</param>
    /// <param name="length">Bytes that the master wants, at least 1; what comes of it may end earlier, where a page does.</param>
    /// <param name="tag">The transaction's number on the bus (AXI ID, TAG of PCI Express), for fault registers that hold it.</param>
    /// <param name="kind">What the access wants of the unit.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BusRequest(
        Requester requester,
        Iova address,
        DmaAccess access,
        uint length = 1,
        ushort tag = 0,
        TranslationKind kind = TranslationKind.Untranslated)
    {
        _who = requester.Stream.Value | ((ulong)(requester.Rest | ((uint)kind << KindShift)) << 32);
        Address = address;
        _what = length | ((ulong)tag << TagShift) | ((ulong)access << AccessShift);
    }

    /// <summary>An access of a master that has nothing but its number.</summary>
    /// <param name="stream">Which master it is.</param>
    /// <param name="address">The first byte.</param>
    /// <param name="access">Read or write.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BusRequest(StreamId stream, Iova address, DmaAccess access)
        : this(new Requester(stream.Value, 0), address, access)
    {
    }

    /// <summary>The first byte.</summary>
    public Iova Address { get; }

    /// <summary>Bytes that the master wants, at least 1.</summary>
    public uint Length => (uint)_what;

    /// <summary>The transaction's number on the bus.</summary>
    public ushort Tag => (ushort)(_what >> TagShift);

    /// <summary>Read or write.</summary>
    public DmaAccess Access => (DmaAccess)(_what >> AccessShift);

    /// <summary>What the access wants of the unit.</summary>
    public TranslationKind Kind => (TranslationKind)((Rest & KindMask) >> KindShift);

    /// <summary>Who makes it.</summary>
    public Requester Requester => new((uint)_who, Rest & ~KindMask);

    /// <summary>Which master makes it.</summary>
    public StreamId Stream => new((uint)_who);

    /// <summary>Which of the master's address spaces it means; null for the one that it has without any.</summary>
    public Pasid? Pasid => Requester.Pasid;

    /// <summary>Privilege, security, and whether it is instructions or a debugger.</summary>
    public AccessFlags Flags => Requester.Flags;

    /// <summary>Whether it writes.</summary>
    public bool IsWrite => Access == DmaAccess.Write;

    /// <summary>Whether it fetches instructions.</summary>
    public bool IsFetch => Access == DmaAccess.Read && (Flags & AccessFlags.Instruction) != 0;

    /// <summary>Whether it is privileged.</summary>
    public bool IsPrivileged => (Flags & AccessFlags.Privileged) != 0;

    /// <summary>Whether it is secure.</summary>
    public bool IsSecure => (Flags & AccessFlags.Secure) != 0;

    /// <summary>Whether a debugger makes it.</summary>
    public bool IsDebug => (Flags & AccessFlags.Debug) != 0;

    /// <summary>Whether nothing is said of it but the stream: no address space, no flag, and untranslated.</summary>
    internal bool IsBare => _who <= uint.MaxValue;

    /// <summary>The one of <see cref="Protection"/> that it needs.</summary>
    internal uint Needed => (uint)(_what >> AccessShift) + (uint)Protection.Read;

    /// <summary>Whether it is an access as every unit knows it: untranslated, and without an address space of the master's own.</summary>
    internal bool IsPlain => (Rest & (KindMask | Requester.HasPasidBit)) == 0;

    private uint Rest => (uint)(_who >> 32);
}
