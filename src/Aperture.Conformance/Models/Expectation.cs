using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Models;

/// <summary>What an <c>expect</c> line says that the hardware must do.</summary>
public static class Expectation
{
    /// <summary>Compares it with what the hardware does.</summary>
    public static void Check(ReplayPart part, VectorEvent line, ProbeResult result)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(line);
        if (line.Flag("fault"))
        {
            var iova = line.Hex("iova");
            part.Check(result is { CanRead: false, CanWrite: false } && result.ReadFault == iova && result.WriteFault == iova, line.Line,
                () => $"a fault at 0x{iova:x}", () => result is { CanRead: false, CanWrite: false }
                    ? $"faults at 0x{result.ReadFault:x} and 0x{result.WriteFault:x}"
                    : result.ToString());
            return;
        }

        var address = line.Hex("pa");
        var protection = line.Text("prot");
        part.Check(
            result.Protection == protection && (protection == "none" || result.Address == address),
            line.Line,
            () => $"0x{address:x} {protection}",
            result.ToString);
    }
}
