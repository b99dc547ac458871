namespace Aperture.Drivers.Nic;

/// <summary>How large a network card's rings and stores are.</summary>
public sealed record NicOptions
{
    /// <summary>Receive descriptors: a power of two, 2 to 4096. Default 64.</summary>
    public int ReceiveRing { get; init; } = 64;

    /// <summary>Transmit descriptors: a power of two, 2 to 4096. Default 64.</summary>
    public int TransmitRing { get; init; } = 64;

    /// <summary>Pages for received frames, two to a page: those in the ring, and those that somebody still holds. At least half of the ring
    /// is used. Default 64.</summary>
    public int ReceivePages { get; init; } = 64;

    /// <summary>Address bits of the card, 12 to 64. Default 32.</summary>
    public int AddressBits { get; init; } = 32;
}
