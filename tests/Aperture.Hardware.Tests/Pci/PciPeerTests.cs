using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Pci;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Pci;

/// <summary>Accesses of functions to each other's BARs, past the IOMMU or through it.</summary>
public sealed class PciPeerTests
{
    private const ulong Target = PciRig.Window + 0x10_0000;
    private const ulong Mapped = 0x7000_0000;

    /// <summary>Where the two functions are.</summary>
    public enum Place
    {
        /// <summary>Two functions of a device behind a root port.</summary>
        OneDevice,

        /// <summary>Behind two downstream ports of a switch.</summary>
        Switch,

        /// <summary>On a conventional bus.</summary>
        Conventional,

        /// <summary>Behind two root ports.</summary>
        RootPorts,
    }

    [Theory]
    [InlineData(Place.OneDevice, AcsFlags.None, true)]
    [InlineData(Place.OneDevice, AcsFlags.RequestRedirect, false)]
    [InlineData(Place.Switch, AcsFlags.None, true)]
    [InlineData(Place.Switch, AcsFlags.SourceValidation, true)]
    [InlineData(Place.Switch, AcsFlags.Isolation, false)]
    [InlineData(Place.Conventional, AcsFlags.None, true)]
    [InlineData(Place.RootPorts, AcsFlags.None, false)]
    [InlineData(Place.RootPorts, AcsFlags.Isolation, false)]
    public void A_peer_is_reached_past_the_IOMMU_unless_access_control_redirects(Place place, AcsFlags acs, bool isDirect)
    {
        var unit = default(PageUnit);
        using var rig = new PciRig(id => new PciUpstream(unit, new StreamId(id.Value)));
        unit = new PageUnit(rig.Bus) { Otherwise = TranslationStatus.Aborted };
        unit.Map(Mapped, new PhysicalAddress(Target), 4096);
        var block = new WordBlock();
        var (one, other) = Build(rig, place, acs, block);
        Control(rig, acs);
        rig.Enable(one.Address);
        rig.Enable(other.Address, (uint)Target);

        byte[] bytes = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
        Assert.Equal(isDirect ? DmaStatus.Ok : DmaStatus.Refused, one.Port.Write(new Iova(Target), bytes, out var moved));
        Assert.Equal(isDirect ? 12 : 0, moved);
        block.TryRead(8, 4, out var word);
        Assert.Equal(isDirect ? 3u : 0, word);

        // By way of the IOMMU a peer is reached like anything else.
        Assert.Equal(DmaStatus.Ok, one.Port.Write(new Iova(Mapped + 8), [9, 0, 0, 0, 8, 0, 0, 0], out _));
        var back = new byte[8];
        Assert.Equal(DmaStatus.Ok, one.Port.Read(new Iova(Mapped + 8), back, out _));
        Assert.Equal([9, 0, 0, 0, 8, 0, 0, 0], back);
    }

    [Fact]
    public void Translated_addresses_go_as_access_control_says()
    {
        using var rig = new PciRig();
        var block = new WordBlock();
        const AcsFlags all = AcsFlags.Isolation | AcsFlags.TranslationBlocking | AcsFlags.DirectTranslated;
        var (one, other) = Build(rig, Place.Switch, all, block);
        rig.Enable(one.Address);
        rig.Enable(other.Address, (uint)Target);
        var requester = one.Port.Requester;
        Control(rig, AcsFlags.Isolation | AcsFlags.TranslationBlocking);
        Assert.Equal(DmaStatus.Refused, one.Port.Write(requester, new Iova(PciRig.Ram), [1, 2], out _, TranslationKind.Translated));
        Assert.Equal(DmaStatus.Ok, one.Port.Write(requester, new Iova(PciRig.Ram), [1, 2], out _));
        Control(rig, AcsFlags.Isolation | AcsFlags.DirectTranslated);
        Assert.Equal(DmaStatus.Ok, one.Port.Write(requester, new Iova(Target), [7, 0, 0, 0], out _, TranslationKind.Translated));
        block.TryRead(0, 4, out var word);
        Assert.Equal(7u, word);
    }

    /// <summary>Sets access control of everything that has it.</summary>
    private static void Control(PciRig rig, AcsFlags acs)
    {
        for (var id = 0; id < 0x400; id++)
        {
            var address = new PciAddress((ushort)id);
            if (rig.Host.Find(address) is not null && rig.Find(address, ExtendedCapabilityId.Acs) is > 0 and var at)
                rig.Write16(address, at + AcsRegisters.Control, (ushort)acs);
        }
    }

    private static (PciFunction One, PciFunction Other) Build(PciRig rig, Place place, AcsFlags acs, WordBlock block)
    {
        var options = place switch
        {
            Place.OneDevice => new PciFunctionOptions { Acs = acs },
            Place.Conventional => new PciFunctionOptions { Express = null },
            _ => new PciFunctionOptions(),
        };
        var one = new PciFunction(rig.Bus, new PciIdentity(1, 2), options);
        var other = new PciFunction(rig.Bus, new PciIdentity(1, 3), options);
        other.AddBar(0, new PciBar(block));
        var window = (uint)PciRig.Window;
        var portAcs = place == Place.OneDevice ? AcsFlags.None : acs;
        var root = new PciBridge(rig.Bus, PciBridgeKind.RootPort, portAcs);
        var second = new PciBridge(rig.Bus, PciBridgeKind.RootPort, portAcs);
        rig.Host.Root.Add(root, 1);
        rig.Bridge(new PciAddress(0, 1, 0), 1, 3, window, 0x20_0000);
        switch (place)
        {
            case Place.OneDevice:
                root.Secondary.Add(one, 0, 0);
                root.Secondary.Add(other, 0, 1);
                break;
            case Place.Conventional:
                var bridge = new PciBridge(rig.Bus, PciBridgeKind.ExpressToPci);
                root.Secondary.Add(bridge, 0);
                bridge.Secondary.Add(one, 3);
                bridge.Secondary.Add(other, 4);
                rig.Bridge(new PciAddress(1, 0, 0), 2, 2, window, 0x20_0000);
                break;
            case Place.RootPorts:
                rig.Bridge(new PciAddress(0, 1, 0), 1, 1, window, 0x10_0000);
                rig.Host.Root.Add(second, 2);
                rig.Bridge(new PciAddress(0, 2, 0), 2, 2, window + 0x10_0000, 0x10_0000);
                root.Secondary.Add(one, 0);
                second.Secondary.Add(other, 0);
                break;
            default:
                var up = new PciBridge(rig.Bus, PciBridgeKind.UpstreamPort);
                var ports = new[] { acs, acs }.Select(_ => new PciBridge(rig.Bus, PciBridgeKind.DownstreamPort, acs)).ToArray();
                root.Secondary.Add(up, 0);
                rig.Bridge(new PciAddress(0, 1, 0), 1, 4, window, 0x20_0000);
                rig.Bridge(new PciAddress(1, 0, 0), 2, 4, window, 0x20_0000);
                up.Secondary.Add(ports[0], 0);
                up.Secondary.Add(ports[1], 1);
                ports[0].Secondary.Add(one, 0);
                ports[1].Secondary.Add(other, 0);
                rig.Bridge(new PciAddress(2, 0, 0), 3, 3, window, 0x10_0000);
                rig.Bridge(new PciAddress(2, 1, 0), 4, 4, window + 0x10_0000, 0x10_0000);
                break;
        }

        return (one, other);
    }
}
