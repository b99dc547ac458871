using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

/// <summary>Whom a function reaches on the way to the root, as bridges and access control are set up at one moment. Source: PCI Express
/// Base Specification, 6.12.</summary>
internal sealed class PciPeers : IPeerPaths
{
    private readonly Reach[] _reach;
    private readonly bool _blocksTranslated; // a port on the way refuses translated addresses

    private PciPeers(Reach[] reach, bool blocksTranslated)
    {
        _reach = reach;
        _blocksTranslated = blocksTranslated;
    }

    /// <summary>The peers of a function; null where nothing is in its way.</summary>
    public static PciPeers? Of(PciFunction function)
    {
        var reach = new List<Reach>();
        var blocks = false;
        var node = function;
        for (var bus = function.Bus; bus is not null; bus = node.Bus)
        {
            var acs = node.Acs;
            blocks |= (acs & AcsFlags.TranslationBlocking) != 0;
            var (plain, translated) = (true, true);
            if ((acs & AcsFlags.RequestRedirect) != 0)
                (plain, translated) = (false, (acs & AcsFlags.DirectTranslated) != 0);
            if (plain || translated)
            {
                foreach (var other in bus.Functions)
                {
                    if (other != node && Meet(bus, node, other))
                        reach.AddRange(PciRoutes.Claims(other).Select(claim => new Reach(claim, plain, translated)));
                }
            }

            if (bus.Bridge is not { } bridge)
                break;
            node = bridge;
        }

        return reach.Count > 0 || blocks ? new PciPeers([.. reach], blocks) : null;
    }

    public bool Find(Iova address, int length, TranslationKind kind, out DmaStatus status, out IMmioDevice? block, out uint offset)
    {
        (status, block, offset) = (DmaStatus.Refused, null, 0);
        var isTranslated = kind == TranslationKind.Translated;
        if (isTranslated && _blocksTranslated)
            return true;
        foreach (var (claim, plain, translated) in _reach)
        {
            if (!(isTranslated ? translated : plain) || address.Value < claim.First || address.Value > claim.Last)
                continue;
            block = new BarBlock(claim.Bar);
            offset = (uint)(address.Value - claim.Start);
            if ((ulong)(length - 1) > claim.Last - address.Value)
                (status, block) = (DmaStatus.BusError, null);
            return true;
        }

        return false;
    }

    /// <summary>Whether two functions of a bus see each other's accesses: the functions of one device do but for virtual ones, ports of a
    /// switch, and everybody on a conventional bus.</summary>
    private static bool Meet(PciBus bus, PciFunction one, PciFunction other) =>
        bus.Kind is PciBusKind.Switch or PciBusKind.Conventional
        || (one.Place >> 3 == other.Place >> 3 && !one.IsVirtual && !other.IsVirtual);

    private readonly record struct Reach(PciClaim Claim, bool Plain, bool Translated);
}

/// <summary>A BAR as one block.</summary>
internal sealed class BarBlock(PciBar bar) : IBurstDevice
{
    public uint Size => bar.Size;

    public bool TryRead(uint offset, int width, out ulong value) => bar.TryRead(offset, width, out value);

    public bool TryWrite(uint offset, int width, ulong value) => bar.TryWrite(offset, width, value);

    public bool TryRead(uint offset, Span<byte> destination) => bar.TryRead(offset, destination);

    public bool TryWrite(uint offset, ReadOnlySpan<byte> source) => bar.TryWrite(offset, source);
}
