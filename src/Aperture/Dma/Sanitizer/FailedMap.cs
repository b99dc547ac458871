namespace Aperture.Dma.Sanitizer;

/// <summary>A map that failed, as long as nobody asked whether it did.</summary>
/// <param name="Serial">The mapping's number; 0 when that is not known.</param>
/// <param name="Record">What was wanted, and where.</param>
internal readonly record struct FailedMap(uint Serial, MappingRecord Record);
