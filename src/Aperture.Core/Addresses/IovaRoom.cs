namespace Aperture.Core.Addresses;

/// <summary>What is left of a space of device addresses.</summary>
/// <param name="Used">Bytes given out or reserved, page zero included.</param>
/// <param name="Free">Bytes that are free.</param>
/// <param name="LargestHole">Bytes of the longest run of free addresses. A range starts at a multiple of its size rounded up to a power of
/// two, and so need not fit where it begins elsewhere.</param>
public readonly record struct IovaRoom(ulong Used, ulong Free, ulong LargestHole);
