namespace Aperture.Datasheets.Arm;

/// <summary>What kind of memory a page is, as PRRR encodes it.</summary>
public enum ArmMemoryType
{
    /// <summary>Strongly ordered.</summary>
    StronglyOrdered = 0,

    /// <summary>Device.</summary>
    Device = 1,

    /// <summary>Normal.</summary>
    Normal = 2,
}
