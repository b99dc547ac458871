using Aperture.Core;
using Aperture.Devices;
using Aperture.Power;

namespace Aperture.Drivers.Msm;

/// <summary>The clocks that the registers of an MSM IOMMU need. They run around each sequence of register accesses only: while masters
/// work, their own drivers hold the bus clock on.</summary>
internal sealed class MsmClocks
{
    private readonly Gate _interface;
    private readonly Gate _bus;

    /// <exception cref="ApertureException">A clock is missing.</exception>
    public MsmClocks(Device device)
    {
        _interface = Find(device, "smmu_pclk");
        _bus = Find(device, "iommu_clk");
    }

    public void Enable()
    {
        _interface.Enable();
        _bus.Enable();
    }

    public void Disable()
    {
        _bus.Disable();
        _interface.Disable();
    }

    private static Gate Find(Device device, string name) =>
        device.Clocks.TryGetValue(name, out var gate) ? gate : throw new ApertureException(Status.InvalidArgument, $"{device.Name} has no clock \"{name}\"");
}
