namespace Aperture.Datasheets.SmmuV3;

/// <summary>Bits of SMMU_CR0 and SMMU_CR0ACK.</summary>
[Flags]
public enum SmmuV3Control : uint
{
    /// <summary>All is off: SMMU_GBPA says what happens to accesses.</summary>
    None = 0,

    /// <summary>SMMUEN: accesses are translated as the stream table says.</summary>
    Translates = 1 << 0,

    /// <summary>PRIQEN: page requests are queued.</summary>
    PageRequestQueue = 1 << 1,

    /// <summary>EVENTQEN: events are queued.</summary>
    EventQueue = 1 << 2,

    /// <summary>CMDQEN: commands are consumed.</summary>
    CommandQueue = 1 << 3,

    /// <summary>ATSCHK: accesses with translated addresses are checked against their stream's entry.</summary>
    ChecksTranslated = 1 << 4,

    /// <summary>All of them.</summary>
    All = Translates | PageRequestQueue | EventQueue | CommandQueue | ChecksTranslated,
}

/// <summary>Bits of SMMU_IRQ_CTRL and SMMU_IRQ_CTRLACK: which interrupts are on.</summary>
[Flags]
public enum SmmuV3Interrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Of global errors.</summary>
    GlobalError = 1 << 0,

    /// <summary>Of the page request queue.</summary>
    PageRequestQueue = 1 << 1,

    /// <summary>Of the event queue.</summary>
    EventQueue = 1 << 2,

    /// <summary>All of them.</summary>
    All = GlobalError | PageRequestQueue | EventQueue,
}

/// <summary>Bits of SMMU_GERROR and SMMU_GERRORN.</summary>
[Flags]
public enum SmmuV3GlobalErrors : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A command is illegal or could not be read: commands stop until it is acknowledged.</summary>
    Command = 1 << 0,

    /// <summary>An event could not be written.</summary>
    EventQueueAbort = 1 << 2,

    /// <summary>A page request could not be written.</summary>
    PageRequestQueueAbort = 1 << 3,

    /// <summary>The message of a CMD_SYNC could not be written.</summary>
    CommandMessage = 1 << 4,

    /// <summary>The message of the event queue could not be written.</summary>
    EventQueueMessage = 1 << 5,

    /// <summary>The message of the page request queue could not be written.</summary>
    PageRequestQueueMessage = 1 << 6,

    /// <summary>The message of a global error could not be written.</summary>
    GlobalErrorMessage = 1 << 7,

    /// <summary>The unit has entered service failure mode.</summary>
    ServiceFailure = 1 << 8,
}

/// <summary>Why commands stopped: bits 30:24 of SMMU_CMDQ_CONS.</summary>
public enum SmmuV3CommandError : uint
{
    /// <summary>They did not.</summary>
    None = 0,

    /// <summary>CERROR_ILL: the command is none, or has a field out of range.</summary>
    Illegal = 1,

    /// <summary>CERROR_ABT: the command could not be read.</summary>
    Abort = 2,

    /// <summary>CERROR_ATC_INV_SYNC: a device did not answer invalidations before a CMD_SYNC.</summary>
    AtcInvalidation = 3,
}
