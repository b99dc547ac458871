using Aperture.Boards;
using Aperture.Datasheets.DmaMaster;
using Aperture.Devices;
using Aperture.DeviceTrees;

// Boot a board, take its JPEG codec from the driver that serves it, and give it to ours.
using var machine = Machine.Boot(DeviceTree.Parse(File.ReadAllBytes(args[0])));
var device = machine.Masters.First(master => master.Name.EndsWith("jpeg-codec", StringComparison.Ordinal)).Device!;
machine.Drivers.Unbind(device);
machine.Drivers.Bind(device, new FillDriver());
Console.WriteLine(((Filler)device.Bound!).Fill(0x1234));

internal sealed class FillDriver : IDriver
{
    public string Name => "fill";
    public IReadOnlyList<string> Compatible => ["samsung,exynos4212-jpeg"];

    public IBoundDriver Probe(Device device)
    {
        var filler = new Filler(device);
        filler.RuntimeResume(); // a probe leaves the device as a resume would
        return filler;
    }
}

// It knows registers, clocks and the DMA API. That an IOMMU stands between, it never learns.
internal sealed class Filler(Device device) : IBoundDriver
{
    public void RuntimeResume() => device.Clocks.Values.ToList().ForEach(clock => clock.Enable());
    public void RuntimeSuspend() => device.Clocks.Values.ToList().ForEach(clock => clock.Disable());

    public string Fill(ulong seed)
    {
        using var power = device.Power.Hold(); // power domain, IOMMU and clocks come up with us
        using var buffer = device.Dma.Allocate(64 << 10);
        var registers = device.Registers[^1];
        registers.Write64(DmaMasterRegisters.Destination, buffer.Address.Value);
        registers.Write64(DmaMasterRegisters.Length, (ulong)buffer.Length);
        registers.Write64(DmaMasterRegisters.Seed, seed);
        registers.Write32(DmaMasterRegisters.Command, (uint)DmaMasterCommand.Fill);
        return $"64 KiB written to device address {buffer.Address}; memory has {Convert.ToHexString(buffer.Span[..8])}...";
    }
}
