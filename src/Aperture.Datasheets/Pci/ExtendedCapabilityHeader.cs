namespace Aperture.Datasheets.Pci;

/// <summary>The first word of an extended capability.</summary>
/// <remarks><code>
/// 31   20 19     16 15  0
/// [ next ][ version ][ id ]
/// </code>Source: PCI Express Base Specification, 7.6.3.</remarks>
/// <param name="Value">The word; zero where there are no extended capabilities.</param>
public readonly record struct ExtendedCapabilityHeader(uint Value)
{
    /// <summary>A word.</summary>
    /// <param name="id">What the capability is.</param>
    /// <param name="version">Its version, 0 to 15.</param>
    /// <param name="next">Where the next one is; a multiple of 4 below 4096, 0 for none.</param>
    public ExtendedCapabilityHeader(ExtendedCapabilityId id, int version, int next)
        : this((uint)id | (uint)version << 16 | (uint)next << 20)
    {
    }

    /// <summary>[15:0] what the capability is.</summary>
    public ExtendedCapabilityId Id => (ExtendedCapabilityId)(ushort)Value;

    /// <summary>[19:16] its version.</summary>
    public int Version => (int)(Value >> 16 & 0xF);

    /// <summary>[31:20] where the next one is; 0 for none.</summary>
    public uint Next => Value >> 20 & ~3u;
}
