using Aperture.Boards.Tests.Ats;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Devices;
using Aperture.Dma.Spaces;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Pci;

/// <summary>Messages of a function whose driver manages its address space.</summary>
public sealed class OwnSpaceMessageTests
{
    /// <summary>Interrupts go after the driver: the space that it had, and the domain, are gone by then.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_driver_lets_go_of_its_space_before_its_interrupts(bool usesDmaSpace)
    {
        using var scene = new AtsScene();
        var drivers = scene.Machine.Drivers;
        for (var time = 0; time < 2; time++)
        {
            drivers.Unbind(scene.Device);
            Assert.True(drivers.Bind(scene.Device, new OwnSpaceDriver(usesDmaSpace)));
        }

        drivers.Unbind(scene.Device);
        Assert.DoesNotContain(drivers.Log, entry => entry.Kind == DriverEventKind.Trouble);
    }

    private sealed class OwnSpaceDriver(bool usesDmaSpace) : IDriver, IBoundDriver
    {
        private Device? _device;
        private IommuDomain? _domain;
        private DmaSpace? _space;

        public string Name => "own-space";

        public IReadOnlyList<string> Compatible => [AtsEndpointRegisters.PciCompatible];

        public bool ManagesOwnDma => true;

        public IBoundDriver Probe(Device device)
        {
            _device = device;
            _domain = device.Iommu!.CreateDomain(new DomainRequest(DomainType.Unmanaged));
            if (usesDmaSpace)
                _space = DmaSpace.Open(_domain, null, device);
            else
                device.Iommu.Group.Attach(_domain);
            device.Manage(device.Interrupts[0].Request(() => InterruptResult.None));
            return this;
        }

        public void Remove()
        {
            _space?.Dispose();
            if (_space is null)
                _device!.Iommu!.Group.Detach(_domain!);
            _domain!.Dispose();
        }
    }
}
