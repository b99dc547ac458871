using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>The kind of a bus access.</summary>
public enum DmaAccess
{
    /// <summary>The master reads memory.</summary>
    Read,

    /// <summary>The master writes memory.</summary>
    Write,

    /// <summary>The master fetches an instruction.</summary>
    Fetch,
}

/// <summary>One access of a master, as it arrives at a translation unit.</summary>
/// <param name="Stream">Which master it is, on units with several.</param>
/// <param name="Address">The first byte.</param>
/// <param name="Access">Read, write or fetch.</param>
/// <param name="IsDebug">Whether a debugger or emulator makes the access (OMAP "EMU" accesses).</param>
/// <param name="TransactionId">The bus transaction ID, for fault registers that hold it.</param>
public readonly record struct DmaRequest(StreamId Stream, Iova Address, DmaAccess Access, bool IsDebug = false, ushort TransactionId = 0);

/// <summary>How a translation ended.</summary>
public enum TranslationStatus
{
    /// <summary>The address was translated.</summary>
    Ok,

    /// <summary>The unit holds the access back: it faulted, or the unit is blocked, and software has not released it. The
    /// master sees no answer; the same access can be tried again later.</summary>
    Stalled,

    /// <summary>The unit ended the access with an error answer.</summary>
    Aborted,
}

/// <summary>What a translation unit counts. All counters only grow.</summary>
public readonly record struct TranslationCounters(ulong Hits, ulong Misses, ulong Invalidations, ulong Faults);
