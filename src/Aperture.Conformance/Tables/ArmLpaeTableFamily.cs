using Aperture.Conformance.Vectors;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Conformance.Tables;

/// <summary>ARM long-descriptor tables.</summary>
public sealed class ArmLpaeTableFamily : TableFamily
{
    /// <inheritdoc/>
    public override string Driver => "lpae";

    /// <inheritdoc/>
    public override ReplayedTable Create(VectorEvent call, ITableMemory memory)
    {
        ArgumentNullException.ThrowIfNull(call);
        var quirks = Quirks(call, "NS", "TTBR1", "OUTER_WBWA", "HD");
        return new ReplayedTable<ArmLpaeFormat>(new ArmLpaeFormat(new()
        {
            Kind = KindOf(call),
            InputBits = call.Count("ias"),
            OutputBits = call.Count("oas"),
            PageSizes = call.Hex("pgsizesIn"),
            Upper = quirks.Contains("TTBR1"),
            NonSecure = quirks.Contains("NS"),
            OuterWriteBack = quirks.Contains("OUTER_WBWA"),
            TracksDirty = quirks.Contains("HD"),
            CoherentWalk = call.Flag("coherent"),
        }), memory);
    }

    /// <inheritdoc/>
    public override void CheckConfiguration(ReplayPart part, VectorEvent call, ReplayedTable table)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(table);
        var format = (ArmLpaeFormat)table.Format;
        part.CheckNumber(call.Line, "walks begin at level", call.Number("startLevel"), format.FirstLookupLevel);
        part.CheckNumber(call.Line, "bits per level", call.Number("bitsPerLevel"), format.IndexBits(format.Levels));
        part.CheckNumber(
            call.Line, "entries of the root", call.Number("rootEntries"), 1L << Math.Max(0, format.InputBits - format.Shift(0)));
        switch (KindOf(call))
        {
            case ArmLpaeKind.Mali:
                part.CheckHex(call.Line, "TRANSTAB", call.Hex("transtab"), format.MaliTableBase(table.Root));
                part.CheckHex(call.Line, "MEMATTR", call.Hex("memattr"), ArmLpaeFormat.MaliMemoryAttributes);
                break;
            case ArmLpaeKind.Stage1 or ArmLpaeKind.Stage1In32:
                part.CheckHex(call.Line, "TTBR", call.Hex("ttbr"), table.Root.Value);
                part.CheckHex(call.Line, "MAIR", call.Hex("mair") & uint.MaxValue, ArmLpaeFormat.Mair); // indices 4 to 7 are not used
                CheckControl(part, call.Object("tcr"), format.Control, "ips");
                break;
            default:
                part.CheckHex(call.Line, "VTTBR", call.Hex("vttbr"), table.Root.Value);
                CheckControl(part, call.Object("vtcr"), format.Control, "ps");
                part.CheckNumber(call.Line, "SL", call.Object("vtcr").Number("sl"), format.Control.StartLevel);
                break;
        }
    }

    private static void CheckControl(ReplayPart part, VectorEvent control, ArmLpaeControl ours, string outputSize)
    {
        part.CheckNumber(control.Line, outputSize, control.Number(outputSize), ours.OutputSize);
        part.CheckNumber(control.Line, "TG", control.Number("tg"), ours.Granule);
        part.CheckNumber(control.Line, "SH", control.Number("sh"), ours.Shareability);
        part.CheckNumber(control.Line, "IRGN", control.Number("irgn"), ours.InnerCache);
        part.CheckNumber(control.Line, "ORGN", control.Number("orgn"), ours.OuterCache);
        part.CheckNumber(control.Line, "TSZ", control.Number("tsz"), ours.Size);
    }

    private static ArmLpaeKind KindOf(VectorEvent call) => call.Text("fmt") switch
    {
        "arm64-lpae-s1" => ArmLpaeKind.Stage1,
        "arm64-lpae-s2" => ArmLpaeKind.Stage2,
        "arm32-lpae-s1" => ArmLpaeKind.Stage1In32,
        "arm32-lpae-s2" => ArmLpaeKind.Stage2In32,
        "mali-lpae" => ArmLpaeKind.Mali,
        var format => throw call.Bad($"'fmt' is '{format}'"),
    };
}
