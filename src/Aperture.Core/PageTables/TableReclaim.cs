namespace Aperture.Core.PageTables;

/// <summary>When an unmap gives a table back that it left empty. A table that stays is unlinked when a page that covers it takes
/// its place, or goes with the domain.</summary>
public enum TableReclaim
{
    /// <summary>Always.</summary>
    WhenEmpty,

    /// <summary>When the unmap covers all that the table does, and a page could be as large as that: where one call would have removed
    /// such a page, it removes the table.</summary>
    WithRange,

    /// <summary>Never.</summary>
    Never,
}
