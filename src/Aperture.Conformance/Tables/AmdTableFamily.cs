using Aperture.Conformance.Vectors;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Conformance.Tables;

/// <summary>AMD v1 tables.</summary>
public sealed class AmdTableFamily : TableFamily
{
    /// <inheritdoc/>
    public override string Driver => "amd";

    /// <inheritdoc/>
    public override bool RemovesWholePages => true;

    /// <inheritdoc/>
    public override ReplayedTable Create(VectorEvent call, ITableMemory memory)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call.Text("fmt") == "amd-v1"
            ? new ReplayedTable<AmdV1Format>(new AmdV1Format(call.Count("levels")), memory)
            : throw call.Bad($"'fmt' is '{call.Text("fmt")}'");
    }

    /// <inheritdoc/>
    public override void CheckConfiguration(ReplayPart part, VectorEvent call, ReplayedTable table)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(table);
        part.CheckHex(call.Line, "the root is at", call.Hex("root"), table.Root.Value);
        part.CheckNumber(call.Line, "output address bits", call.Number("oas"), table.Format.OutputBits);
    }
}
