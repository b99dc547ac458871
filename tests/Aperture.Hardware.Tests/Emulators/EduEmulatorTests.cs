using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Edu;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/edu.md.</summary>
public class EduEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x0800_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var edu = new Edu(new DmaPort(bus)); // behind an IOMMU: new DmaPort(bus, unit)
        bus.Attach(new PhysicalAddress(0x1000_0000), edu);
        edu.Interrupt.Changed = level => lines[5] = level;

        // What the guest's CPU stores: 16 bytes from memory to the device's buffer, and the interrupt at the end.
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + register), 4, value);
        Store(EduRegisters.DmaSource, 0x0800_0100);
        Store(EduRegisters.DmaDestination, EduRegisters.Buffer);
        Store(EduRegisters.DmaCount, 16);
        Store(EduRegisters.DmaCommand, (uint)(EduDmaCommand.Start | EduDmaCommand.InterruptOnEnd));

        Assert.True(lines[5]);
    }
}
