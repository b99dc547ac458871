using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.AtsEndpoint;
using Aperture.Drivers.Pci;
using Aperture.Drivers.SmmuV3;
using Aperture.Hardware.Ats;
using Aperture.Hardware.Pci;
using Aperture.Hardware.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Ats;

/// <summary>A machine with an SMMUv3, a PCI host behind it, and an ATS endpoint in its first slot.</summary>
internal sealed class AtsScene : IDisposable
{
    public const ulong Page = 4096;
    private const int DataPagesLog2 = 6;
    public static readonly Iova At = new(0x1_0000_0000);

    public AtsScene(
        AtsEndpointOptions? options = null,
        SmmuV3DriverOptions? driver = null,
        bool isSupported = true,
        PciFunctionOptions? function = null)
    {
        AtsEndpoint? endpoint = null;
        Machine = Machine.Boot(Tree(isSupported), new MachineOptions
        {
            Units = [new SmmuV3UnitKind(SmmuV3Options.Mmu700 with { StreamBits = 16 }, driver)],
            Pci = site => site.Host.Root.Add(endpoint = new AtsEndpoint(site.Bus, options, function), 1),
        });
        Machine.Drivers.Register(new AtsEndpointDriver(Machine.Clock));
        Endpoint = endpoint!;
        Pci = Machine.PciHosts[0].Find(Endpoint)!;
        Client = (AtsEndpointClient)Device.Bound!;
        Assert.True(Machine.Pages.TryAllocate(DataPagesLog2, new PhysicalAddress(ulong.MaxValue), out var data));
        Data = data;
    }

    public const int DataPages = 1 << DataPagesLog2;

    public Machine Machine { get; }

    public AtsEndpoint Endpoint { get; }

    public PciDevice Pci { get; }

    public AtsEndpointClient Client { get; }

    /// <summary>Memory of the test's own.</summary>
    public PhysicalAddress Data { get; }

    public Device Device => Pci.Device;

    public IommuGroup Group => Device.Iommu!.Group;

    public SmmuV3 Model => (SmmuV3)Machine.Units[0].Model;

    public SmmuV3Unit Unit => (SmmuV3Unit)Machine.Units[0].Device.Bound!;

    public void Dispose() => Machine.Dispose();

    public PagingDomain<ArmLpaeFormat> NewDomain(bool isAttached = true)
    {
        var domain = (PagingDomain<ArmLpaeFormat>)Device.Iommu!.CreateDomain(new DomainRequest(DomainType.Unmanaged));
        if (isAttached)
            Group.Attach(domain);
        return domain;
    }

    /// <summary>A domain for a process, in its own tables: those of <paramref name="owner"/>.</summary>
    public SharedDomain Share(PagingDomain<ArmLpaeFormat> owner) => (SharedDomain)Device.Iommu!.CreateDomain(
        new DomainRequest(DomainType.Shared) { Tables = new SharedTables(owner.Table.Root, owner.Table.Format) });

    public PhysicalAddress PageOf(int page) => Data + ((ulong)page * Page);

    public Span<byte> Bytes(int page) => Machine.Memory.Span(PageOf(page), (int)Page);

    /// <summary>The byte that the device reads; null where it cannot.</summary>
    public byte? Read(Iova at, uint? pasid = null, int channel = 0)
    {
        Span<byte> bytes = stackalloc byte[1];
        var result = Client.Read(at, bytes, pasid is { } number ? new Pasid(number) : null, channel);
        return result == AtsEndpointResult.Done ? bytes[0] : null;
    }

    private static DeviceTree Tree(bool isSupported)
    {
        var pcie = new TreeNode("pcie@10000000").Strings("compatible", "pci-host-ecam-generic").Strings("device_type", "pci")
            .Cells("reg", 0x1000_0000, 0x100_0000).Cells("#address-cells", 3).Cells("#size-cells", 2).Cells("bus-range", 0, 15)
            .Cells("ranges", 0x0200_0000, 0, 0x2000_0000, 0x2000_0000, 0, 0x1000_0000)
            .Flag("dma-coherent").Cells("msi-parent", 21).Cells("iommu-map", 0, 30, 0, 0x1_0000);
        if (isSupported)
            pcie.Flag("ats-supported");
        var root = new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "test,ats");
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
                .Cells("interrupt-parent", 20).Add(
                new TreeNode("controller@1000").Strings("compatible", "test,intc").Cells("reg", 0x1000, 0x20)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("#address-cells", 0).Cells("phandle", 20),
                new TreeNode("v2m@2000").Strings("compatible", "arm,gic-v2m-frame").Cells("reg", 0x2000, 0x1000)
                    .Flag("msi-controller").Cells("arm,msi-base-spi", 65).Cells("arm,msi-num-spis", 63).Cells("phandle", 21),
                new TreeNode("iommu@9050000").Strings("compatible", "arm,smmu-v3").Cells("reg", 0x905_0000, 0x2_0000)
                    .Cells("interrupts", 1, 2, 3, 4).Strings("interrupt-names", "eventq", "gerror", "priq", "cmdq-sync")
                    .Flag("dma-coherent").Cells("#iommu-cells", 1).Cells("phandle", 30),
                pcie));
        return root.Build();
    }

    private sealed class SharedTables(PhysicalAddress root, object format) : ISharedTables
    {
        public PhysicalAddress Root => root;

        public object Format => format;
    }
}
