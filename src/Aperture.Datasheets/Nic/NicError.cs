namespace Aperture.Datasheets.Nic;

/// <summary>Why an engine of the ring NIC stopped.</summary>
public enum NicError : uint
{
    /// <summary>It did not.</summary>
    None = 0,

    /// <summary>The translation unit holds an access back.</summary>
    Stalled = 1,

    /// <summary>The translation unit refused an access.</summary>
    Refused = 2,

    /// <summary>Nothing answered an access.</summary>
    BusError = 3,

    /// <summary>A frame to send has no bytes in a descriptor, or more than <see cref="NicRegisters.MaxFrame"/> in all.</summary>
    BadFrame = 4,

    /// <summary>An engine was switched on with a ring whose size is no power of two in the range.</summary>
    BadRing = 5,
}
