using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Tool.Conform.Vectors;

namespace Aperture.Tool.Conform.Tables;

/// <summary>What the replay must know about one kind of page-table library.</summary>
public abstract class TableFamily
{
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

    /// <summary>Whether a quirk is named; whatever a family does not know of is bad input.</summary>
    protected static IReadOnlySet<string> Quirks(VectorEvent call, params string[] known)
    {
        ArgumentNullException.ThrowIfNull(call);
        var quirks = call.Texts("quirks").ToHashSet();
        return quirks.FirstOrDefault(quirk => !known.Contains(quirk)) is { } strange ? throw call.Bad($"'quirks' has '{strange}'") : quirks;
    }
}
