namespace Aperture.Conformance;

/// <summary>The ways in which our drivers may differ from the recorded ones. docs/conformance.md has the reasons.</summary>
public static class Rules
{
    /// <summary>A map over something mapped is refused; the recorded driver overwrites.</summary>
    public const string OverlapRefused = "overlap-refused";

    /// <summary>Both refuse to map over something mapped; the recorded driver with another error number.</summary>
    public const string OverlapNumber = "overlap-number";

    /// <summary>The recorded driver writes a table entry into mapped memory; ours refuses the map.</summary>
    public const string WriteIntoMapped = "write-into-mapped";

    /// <summary>An unmap of a part of a page removes that part; the recorded driver removes the whole page.</summary>
    public const string PartOfPage = "part-of-page";

    /// <summary>An unmap of a part of a page removes that part; the recorded driver refuses.</summary>
    public const string PartOfPageRefused = "part-of-page-refused";

    /// <summary>An unmap ends at the first hole; the recorded driver counts holes as removed.</summary>
    public const string HoleEndsUnmap = "hole-ends-unmap";

    /// <summary>A domain can be filled before its first attachment.</summary>
    public const string MapBeforeAttach = "map-before-attach";

    /// <summary>A domain keeps its mappings when it is detached.</summary>
    public const string DetachKeepsMappings = "detach-keeps-mappings";

    /// <summary>One table serves all units of a domain; the recorded driver keeps a copy for each.</summary>
    public const string OneTable = "one-table";

    /// <summary>A call of the driver's own interface asks for something that our interface cannot say.</summary>
    public const string PageSizeArgument = "page-size-argument";

    /// <summary>After a failed call only one of the two has a table, one without entries.</summary>
    public const string EmptyTable = "empty-table";

    /// <summary>A table lies elsewhere than the recorded one, because an earlier deviation changed what was allocated.</summary>
    public const string TableAddress = "table-address";

    /// <summary>A page of several equal entries of which the recorded driver replaced some.</summary>
    public const string TornPage = "torn-page";

    /// <summary>A domain may be attached to several masters; attaching where it is already in force is another error.</summary>
    public const string AttachAgain = "attach-again";

    /// <summary>A domain in force cannot be freed: it is detached first by an own call.</summary>
    public const string FreeInForce = "free-in-force";

    /// <summary>A fault that nobody handles holds the unit back; the recorded driver stops the system.</summary>
    public const string NoPanic = "no-panic";

    /// <summary>The unit does not tell the direction of a fault; the recorded driver says "read".</summary>
    public const string FaultDirection = "fault-direction";

    /// <summary>A fault of another virtual machine is read from that machine's registers; the recorded driver reads the first's.</summary>
    public const string FaultOfVm = "fault-of-vm";

    /// <summary>A misaligned call of the driver's own interface is refused; the recorded driver rounds it.</summary>
    public const string Misaligned = "misaligned";

    /// <summary>The aperture ends where the unit's addresses end; the recorded driver names the largest number.</summary>
    public const string ApertureEnd = "aperture-end";

    /// <summary>A map does not search the TLB for entries that only software can have put there.</summary>
    public const string MapKeepsEntries = "map-keeps-entries";

    /// <summary>A part of a section was unmapped: the rest keeps its addresses; the recorded library loses them.</summary>
    public const string SectionKeepsAddress = "section-keeps-address";

    /// <summary>A map that fails leaves nothing; a recorded call of the library's own interface leaves the pages before the
    /// failure.</summary>
    public const string FailedMapUndone = "failed-map-undone";

    /// <summary>A call does all that it is asked for; a recorded call of the library's own interface ends with its table.</summary>
    public const string RunEndsWithTable = "run-ends-with-table";

    /// <summary>A stream that the unit does not have is refused when its master is bound; the recorded driver takes it and translates
    /// nothing.</summary>
    public const string UnknownStream = "unknown-stream";

    /// <summary>The masters of a group are in one domain; the recorded calls put them into several, and the replay keeps them
    /// apart.</summary>
    public const string GroupSplit = "group-split";

    /// <summary>A fault goes to the domain's handler; the recorded driver only notes it.</summary>
    public const string FaultToDomain = "fault-to-domain";

    /// <summary>A master is attached any number of times; the recorded driver takes one for attached that was detached.</summary>
    public const string AttachAnyTime = "attach-any-time";

    /// <summary>The interrupt handler says whether the unit had a fault; the recorded one always says that it had none.</summary>
    public const string InterruptAnswer = "interrupt-answer";

    /// <summary>The page sizes are those of the hardware; the recorded driver names runs of pages, too.</summary>
    public const string PageSizes = "page-sizes";

    /// <summary>An entry that maps nothing any more is cleared; the recorded driver leaves the address behind. Counted by table.</summary>
    public const string ClearedEntry = "cleared-entry";

    /// <summary>A fault that nobody handles holds the unit back; the recorded driver lets the access be tried again, for ever.</summary>
    public const string FaultNotRetried = "fault-not-retried";

    /// <summary>A table that could not be read is reported as a fault; the recorded driver logs it.</summary>
    public const string BusErrorReported = "bus-error-reported";

    /// <summary>All rules.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        OverlapRefused, OverlapNumber, WriteIntoMapped, PartOfPage, PartOfPageRefused, HoleEndsUnmap, MapBeforeAttach, DetachKeepsMappings,
        OneTable,
        PageSizeArgument, EmptyTable, TableAddress, TornPage, AttachAgain, FreeInForce, NoPanic, FaultDirection, FaultOfVm, Misaligned,
        ApertureEnd, MapKeepsEntries,
        SectionKeepsAddress, FailedMapUndone, RunEndsWithTable, UnknownStream, GroupSplit, FaultToDomain, AttachAnyTime, InterruptAnswer,
        PageSizes, ClearedEntry, FaultNotRetried, BusErrorReported,
    ];
}
