using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <summary>What the replay must know about one kind of page-table library.</summary>
public abstract class TableFamily
{
    // of all libraries
    private static readonly string[] s_quirks = ["NS", "NO_PERMS", "MTK_EXT", "MTK_TTBR_EXT", "TTBR1", "OUTER_WBWA", "HD"];

    /// <summary>The recorded library.</summary>
    public abstract string Driver { get; }

    /// <summary>Whether the recorded library maps over what is mapped.</summary>
    public virtual bool OverwritesMappings => false;

    /// <summary>Whether the recorded library removes a page as a whole when a part of it is unmapped.</summary>
    public virtual bool RemovesWholePages => false;

    /// <summary>Log2 of the page whose parts lose their addresses when the recorded library splits it; 0 for none.</summary>
    public virtual int LossyPageShift => 0;

    /// <summary>Makes the table that an <c>alloc_pgtable</c> call asks for, and compares the configuration that it gives.</summary>
    /// <returns>Null when there is no such table.</returns>
    /// <exception cref="ApertureException">The settings do not go together.</exception>
    public abstract ReplayedTable Create(VectorEvent call, ITableMemory memory);

    /// <summary>Compares what a table and its registers are with what the call says.</summary>
    public abstract void CheckConfiguration(ReplayPart part, VectorEvent call, ReplayedTable table);

    /// <summary>The quirks that a call names. One that the family has not is a setting that is refused; one that no family has is bad
    /// input.</summary>
    /// <param name="call">The call.</param>
    /// <param name="own">The quirks of the family.</param>
    /// <exception cref="ApertureException">A quirk is another family's.</exception>
    protected static IReadOnlySet<string> Quirks(VectorEvent call, params string[] own)
    {
        ArgumentNullException.ThrowIfNull(call);
        var quirks = call.Texts("quirks").ToHashSet();
        foreach (var quirk in quirks.Except(own))
            throw s_quirks.Contains(quirk)
                ? new ApertureException(Status.InvalidArgument, $"these tables have no quirk {quirk}")
                : call.Bad($"'quirks' has '{quirk}'");
        return quirks;
    }
}
