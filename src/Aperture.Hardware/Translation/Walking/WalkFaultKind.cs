namespace Aperture.Hardware.Translation.Walking;

/// <summary>Why a walk ended without a translation.</summary>
public enum WalkFaultKind
{
    /// <summary>It did not.</summary>
    None,

    /// <summary>Nothing is mapped: an empty or invalid entry, or an address beyond the tables.</summary>
    NotMapped,

    /// <summary>The page's access flag is clear, and the walker was not told to set it.</summary>
    AccessFlag,

    /// <summary>The page's rights do not allow the access.</summary>
    Permission,

    /// <summary>A table or a page lies beyond the addresses that the format can put out.</summary>
    AddressSize,

    /// <summary>The bus did not answer when an entry was read or updated.</summary>
    Bus,
}
