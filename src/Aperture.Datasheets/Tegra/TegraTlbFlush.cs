namespace Aperture.Datasheets.Tegra;

/// <summary>SMMU_TLB_FLUSH.</summary>
/// <remarks><code>
/// 31         30    24     19              2 1     0
/// |ASID_MATCH| ASID |    | ADDRESS 31:14   | MATCH |   MATCH: 0 everything, 2 section of 4 MiB, 3 group of 16 KiB
/// </code>ASID: bits 30:24; bits 30:29 on units with four. Source: recorded driver behaviour.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct TegraTlbFlush(uint Value)
{
    /// <summary>Bit 31: only entries of the given address space.</summary>
    public const uint AsidMatchBit = 1u << 31;

    /// <summary>MATCH: whatever the address.</summary>
    public const uint MatchAll = 0;

    /// <summary>MATCH: entries in the 4 MiB around the address.</summary>
    public const uint MatchSection = 2;

    /// <summary>MATCH: entries in the 16 KiB around the address.</summary>
    public const uint MatchGroup = 3;

    /// <summary>Log2 of the bytes of a group.</summary>
    public const int GroupShift = 14;

    /// <summary>Log2 of the bytes of a section.</summary>
    public const int SectionShift = 22;

    private const int AddressShift = 12; // from an address to its place in the word
    private const uint AddressMask = 0xF_FFFC;

    /// <summary>Flush everything.</summary>
    public static TegraTlbFlush All => default;

    /// <summary>Flush all entries of an address space.</summary>
    /// <param name="soc">Whose register it is.</param>
    /// <param name="asid">Its number.</param>
    public static TegraTlbFlush Asid(TegraSoc soc, int asid) => Of(soc, asid, 0, MatchAll);

    /// <summary>Flush the entries of an address space in a section.</summary>
    /// <param name="soc">Whose register it is.</param>
    /// <param name="asid">Its number.</param>
    /// <param name="address">A device address in the section.</param>
    public static TegraTlbFlush Section(TegraSoc soc, int asid, uint address) =>
        Of(soc, asid, address & (uint.MaxValue << SectionShift), MatchSection);

    /// <summary>Flush the entries of an address space in a group.</summary>
    /// <param name="soc">Whose register it is.</param>
    /// <param name="asid">Its number.</param>
    /// <param name="address">A device address in the group.</param>
    public static TegraTlbFlush Group(TegraSoc soc, int asid, uint address) =>
        Of(soc, asid, address & (uint.MaxValue << GroupShift), MatchGroup);

    /// <summary>Whether only entries of one address space are flushed.</summary>
    public bool MatchesAsid => (Value & AsidMatchBit) != 0;

    /// <summary>MATCH.</summary>
    public uint Match => Value & 3;

    /// <summary>The first device address of the group.</summary>
    public uint Address => (Value & AddressMask) << AddressShift;

    /// <summary>The address space.</summary>
    /// <param name="soc">Whose register it is.</param>
    public uint AsidOf(TegraSoc soc)
    {
        ArgumentNullException.ThrowIfNull(soc);
        return (Value & ~AsidMatchBit) >> soc.AsidFlushShift;
    }

    private static TegraTlbFlush Of(TegraSoc soc, int asid, uint address, uint match)
    {
        ArgumentNullException.ThrowIfNull(soc);
        return new(AsidMatchBit | (uint)asid << soc.AsidFlushShift | address >> AddressShift | match);
    }
}
