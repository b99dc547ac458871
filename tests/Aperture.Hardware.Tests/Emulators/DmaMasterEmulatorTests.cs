using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.DmaMaster;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/dma-master.md.</summary>
public class DmaMasterEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var master = new DmaMaster(new DmaPort(bus)); // behind an IOMMU: new DmaPort(bus, unit)
        bus.Attach(new PhysicalAddress(0x1000_0000), master);
        master.Interrupt.Changed = level => lines[5] = level;

        // What the guest's CPU stores: 64 KiB of the pattern of seed 7, and the interrupt at the end.
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + register), 4, value);
        Store(DmaMasterRegisters.IrqEnable, (uint)DmaMasterInterrupts.All);
        Store(DmaMasterRegisters.Destination, 0x8010_0000);
        Store(DmaMasterRegisters.Length, 0x1_0000);
        Store(DmaMasterRegisters.Seed, 7);
        Store(DmaMasterRegisters.Command, (uint)DmaMasterCommand.Fill);

        Assert.True(lines[5]);
        Assert.NotEqual(-1, ram.Span(new PhysicalAddress(0x8010_FF00), 256).IndexOfAnyExcept((byte)0));
    }
}
