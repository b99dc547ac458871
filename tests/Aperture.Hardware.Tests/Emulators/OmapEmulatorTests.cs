using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/omap-mmu.md.</summary>
public class OmapEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var mmu = new OmapMmu(bus, OmapMmuOptions.Omap3Isp);
        bus.Attach(new PhysicalAddress(0x480B_D400), mmu);
        mmu.Interrupt.Changed = level => lines[24] = level;
        var camera = new DmaPort(bus, mmu);

        // What the guest's CPU stores: a section of 1 MiB at 0x10000000, the table, its interrupts, the walker.
        BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_4400), 4), 0x8010_0002);
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x480B_D400 + register), 4, value);
        Store(OmapRegisters.TableBase, 0x8000_4000);
        Store(OmapRegisters.IrqEnable, 0x1E);
        Store(OmapRegisters.Control, 6);

        // What the device does goes through its port.
        var written = camera.Write(new Iova(0x1000_0010), "hello"u8, out _);
        var held = camera.Write(new Iova(0x2000_0000), "hello"u8, out _); // again once the guest's handler has released it

        Assert.Equal((DmaStatus.Ok, DmaStatus.Stalled), (written, held));
        Assert.True(lines[24]);
        Assert.Equal("hello"u8, ram.Span(new PhysicalAddress(0x8010_0010), 5));
    }
}
