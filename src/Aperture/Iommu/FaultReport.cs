using System.Globalization;
using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>What a faulting access was.</summary>
public enum FaultAccess
{
    /// <summary>The unit does not say.</summary>
    Unknown,

    /// <summary>A read.</summary>
    Read,

    /// <summary>A write.</summary>
    Write,

    /// <summary>An instruction fetch.</summary>
    Execute,
}

/// <summary>Why an access faulted.</summary>
public enum FaultReason
{
    /// <summary>A cause that has no name here; the report's code tells.</summary>
    Other,

    /// <summary>Nothing is mapped at the address.</summary>
    NotMapped,

    /// <summary>The mapping does not allow the access.</summary>
    Protection,

    /// <summary>The mapping does not allow an access of this security state.</summary>
    Security,

    /// <summary>The tables could not be read.</summary>
    TableWalk,

    /// <summary>More than one entry of the translation cache matched.</summary>
    MultipleHit,

    /// <summary>The translation cache had no entry and the unit does not walk tables.</summary>
    CacheMiss,
}

/// <summary>What a fault handler decides.</summary>
public enum FaultResponse
{
    /// <summary>Nobody can mend it: the unit's driver keeps the access from completing.</summary>
    Unhandled,

    /// <summary>It was mended: the access is tried again.</summary>
    Retry,

    /// <summary>Whoever asked is answered later. Only for page requests: a fault that is not answered at once counts as
    /// <see cref="Unhandled"/>.</summary>
    Deferred,
}

/// <summary>A fault that a unit reported.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Device">The master, or null where the unit serves several and cannot tell.</param>
/// <param name="Context">Context bank, ASID or VM number; zero on units with one.</param>
/// <param name="Address">The device address.</param>
/// <param name="Access">The kind of access.</param>
/// <param name="Reason">Why it faulted.</param>
/// <param name="Code">The unit's own status word.</param>
public readonly record struct FaultReport(
    IommuUnit Unit, Device? Device, int Context, Iova Address, FaultAccess Access, FaultReason Reason, uint Code)
{
    /// <summary>The process that the access was for; null for none, or where the unit does not say.</summary>
    public Pasid? Pasid { get; init; }

    /// <summary>The stage that refused it; <see cref="TranslationStages.None"/> on units with one.</summary>
    public TranslationStages Stage { get; init; }

    /// <summary>Whether what was refused is the unit's own access to a table of the first stage, by the second one.</summary>
    public bool IsTableAccess { get; init; }

    /// <summary>One line for a log.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Unit.Name}: {Device?.Name ?? "a master"} {Verb} {Address}: {Why} (context {Context}{Where}, status 0x{Code:x})");

    private string Where =>
        (Pasid is { } pasid ? $", PASID {pasid}" : "")
        + (Stage == TranslationStages.None ? "" : $", {Stage} stage")
        + (IsTableAccess ? ", a table" : "");

    private string Verb => Access switch
    {
        FaultAccess.Read => "reads",
        FaultAccess.Write => "writes",
        FaultAccess.Execute => "fetches from",
        _ => "accesses",
    };

    private string Why => Reason switch
    {
        FaultReason.NotMapped => "nothing is mapped there",
        FaultReason.Protection => "the mapping does not allow it",
        FaultReason.Security => "the mapping is for another security state",
        FaultReason.TableWalk => "the page tables could not be read",
        FaultReason.MultipleHit => "several entries of the translation cache match",
        FaultReason.CacheMiss => "no entry of the translation cache matches and the table walker is off",
        _ => "the unit gives no known reason",
    };
}

/// <summary>Decides about a fault. Called from the unit's interrupt handler; may map, unmap and log.</summary>
public delegate FaultResponse FaultHandler(in FaultReport report);
