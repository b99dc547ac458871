using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap3Isp;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/omap3-isp.md.</summary>
public class Omap3IspEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var isp = new Omap3IspCapture(new DmaPort(bus)); // behind its MMU: new DmaPort(bus, mmu)
        bus.Attach(new PhysicalAddress(0x480B_C000), isp);
        bus.Attach(new PhysicalAddress(0x480B_D800), isp.Receivers); // the second window of the node
        isp.Interrupt.Changed = level => lines[24] = level;
        var sensor = new SensorModel(isp, 16, 8);

        // What the guest's CPU stores: where a frame goes, lines of 32 bytes, the capture on.
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x480B_C000 + register), 4, value);
        Store(Omap3IspRegisters.Control, Omap3IspControl.CcdcClock);
        Store(CcdcRegisters.SynMode, CcdcSynMode.WriteEnable | CcdcSynMode.DataSize10 | CcdcSynMode.Pack8);
        Store(CcdcRegisters.HorizontalInfo, CcdcRegisters.Pair(0, 15));
        Store(CcdcRegisters.VerticalLines, CcdcRegisters.Pair(0, 7));
        Store(CcdcRegisters.LineOffset, 32);
        Store(CcdcRegisters.MemoryAddress, 0x8010_0000);
        Store(CcdcRegisters.Pcr, CcdcRegisters.PcrEnable);

        sensor.SendFrame(); // from its vertical sync on

        Assert.NotEqual(-1, ram.Span(new PhysicalAddress(0x8010_0000 + (7 * 32)), 16).IndexOfAnyExcept((byte)0));
        Assert.False(lines[24]); // no interrupt was enabled
    }
}
