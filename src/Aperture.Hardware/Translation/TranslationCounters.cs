namespace Aperture.Hardware.Translation;

/// <summary>What a translation unit counts. All counters only grow.</summary>
/// <param name="Hits">Accesses that a translation cache served.</param>
/// <param name="Misses">Accesses that needed a table walk.</param>
/// <param name="Invalidations">Cache entries that invalidations removed.</param>
/// <param name="Faults">Faults reported to software.</param>
public readonly record struct TranslationCounters(ulong Hits, ulong Misses, ulong Invalidations, ulong Faults);
