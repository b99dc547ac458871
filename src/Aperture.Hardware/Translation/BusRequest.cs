using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>One access of a master, as it arrives at a translation unit.</summary>
/// <param name="Requester">Who makes it.</param>
/// <param name="Address">The first byte.</param>
/// <param name="Access">Read or write.</param>
/// <param name="Length">Bytes that the master wants, at least 1; what comes of it may end earlier, where a page does.</param>
/// <param name="Tag">The transaction's number on the bus (AXI ID, TAG of PCI Express), for fault registers that hold it.</param>
/// <param name="Kind">What the access wants of the unit.</param>
public readonly record struct BusRequest(
    Requester Requester,
    Iova Address,
    DmaAccess Access,
    uint Length = 1,
    ushort Tag = 0,
    TranslationKind Kind = TranslationKind.Untranslated)
{
    /// <summary>An access of a master that has nothing but its number.</summary>
    /// <param name="stream">Which master it is.</param>
    /// <param name="address">The first byte.</param>
    /// <param name="access">Read or write.</param>
    public BusRequest(StreamId stream, Iova address, DmaAccess access)
        : this(new Requester(stream), address, access)
    {
    }

    /// <summary>Which master makes the access.</summary>
    public StreamId Stream => Requester.Stream;

    /// <summary>Whether it writes.</summary>
    public bool IsWrite => Access == DmaAccess.Write;

    /// <summary>Whether it fetches instructions.</summary>
    public bool IsFetch => Access == DmaAccess.Read && (Requester.Flags & AccessFlags.Instruction) != 0;

    /// <summary>Whether it is secure.</summary>
    public bool IsSecure => (Requester.Flags & AccessFlags.Secure) != 0;

    /// <summary>Whether a debugger makes it.</summary>
    public bool IsDebug => (Requester.Flags & AccessFlags.Debug) != 0;
}
