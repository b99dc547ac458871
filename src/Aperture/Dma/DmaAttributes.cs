namespace Aperture.Dma;

/// <summary>Wishes for an allocation or a mapping. The bits are the field's own. What a device's operations cannot honour they refuse.</summary>
[Flags]
public enum DmaAttributes : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Privileged accesses only, where the unit can tell.</summary>
    Privileged = 1 << 9,
}
