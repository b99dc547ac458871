using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/rockchip-iommu.md.</summary>
public class RockchipEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var iommu = new RockchipIommu(bus, new RockchipIommuOptions());
        bus.Attach(new PhysicalAddress(0xFF92_0800), iommu);
        iommu.Interrupt.Changed = level => lines[116] = level;
        var display = new DmaPort(bus, iommu);

        // What the guest's CPU stores: the page at 0x10000000, by a directory and a table; the directory, its interrupts, on.
        BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_0100), 4), 0x8000_1001);
        BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_1000), 4), 0x8010_0007);
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0xFF92_0800 + register), 4, value);
        Store(RockchipMmuRegister.TableBase, 0x8000_0000);
        Store(RockchipMmuRegister.InterruptMask, 3);
        Store(RockchipMmuRegister.Command, (uint)RockchipMmuCommand.EnablePaging);

        // What the device does goes through its port.
        var written = display.Write(new Iova(0x1000_0010), "hello"u8, out _);
        var held = display.Write(new Iova(0x2000_0000), "hello"u8, out _); // again once the guest's handler has ended the page fault

        Assert.Equal((DmaStatus.Ok, DmaStatus.Stalled), (written, held));
        Assert.True(lines[116]);
        Assert.Equal("hello"u8, ram.Span(new PhysicalAddress(0x8010_0010), 5));
    }
}
