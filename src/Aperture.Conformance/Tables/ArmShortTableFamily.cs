using Aperture.Conformance.Vectors;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Conformance.Tables;

/// <summary>ARM short-descriptor tables.</summary>
public sealed class ArmShortTableFamily : TableFamily
{
    /// <inheritdoc/>
    public override string Driver => "v7s";

    /// <inheritdoc/>
    public override int LossyPageShift => 20;

    /// <inheritdoc/>
    public override ReplayedTable Create(VectorEvent call, ITableMemory memory)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.Text("fmt") != "arm-v7s")
            throw call.Bad($"'fmt' is '{call.Text("fmt")}'");
        var quirks = Quirks(call, "NS", "NO_PERMS", "MTK_EXT", "MTK_TTBR_EXT");
        return new ReplayedTable<ArmShortFormat>(new ArmShortFormat(new()
        {
            InputBits = call.Count("ias"),
            OutputBits = call.Count("oas"),
            PageSizes = call.Hex("pgsizesIn"),
            HasPermissions = !quirks.Contains("NO_PERMS"),
            NonSecure = quirks.Contains("NS"),
            MediaTek = quirks.Contains("MTK_EXT"),
            MediaTekHighTables = quirks.Contains("MTK_TTBR_EXT"),
            CoherentWalk = call.Flag("coherent"),
        }), memory);
    }

    /// <inheritdoc/>
    public override void CheckConfiguration(ReplayPart part, VectorEvent call, ReplayedTable table)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(table);
        var format = (ArmShortFormat)table.Format;
        part.CheckHex(call.Line, "TTBR0", call.Hex("ttbr"), format.TableBase(table.Root));
        part.CheckHex(call.Line, "TTBCR", call.Hex("tcr"), format.TableControl);
        part.CheckHex(call.Line, "PRRR", call.Hex("prrr"), ArmShortFormat.Prrr);
        part.CheckHex(call.Line, "NMRR", call.Hex("nmrr"), ArmShortFormat.Nmrr);
    }
}
