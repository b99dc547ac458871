using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Nic;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/nic.md.</summary>
public class NicEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var nic = new Nic(new DmaPort(bus)); // behind an IOMMU: new DmaPort(bus, unit); Link is where its frames go
        bus.Attach(new PhysicalAddress(0x1000_0000), nic);
        nic.Interrupt.Changed = level => lines[5] = level;

        // What the guest's CPU stores: a receive ring of four, one buffer in it, the receiver on.
        new NicReceiveDescriptor(0x8010_0000, 2048, 0).Write(ram.Span(new PhysicalAddress(0x8000_0000), 16));
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + register), 4, value);
        Store(NicRegisters.ReceiveBase, 0x8000_0000);
        Store(NicRegisters.ReceiveSize, 4);
        Store(NicRegisters.IrqEnable, (uint)NicInterrupts.All);
        Store(NicRegisters.Control, (uint)NicControl.Receive);
        Store(NicRegisters.ReceiveTail, 1);

        // A frame from the wire.
        nic.OnFrame(new byte[60]);

        Assert.True(lines[5]);
        Assert.True(NicReceiveDescriptor.Read(ram.Span(new PhysicalAddress(0x8000_0000), 16)).IsDone);
    }
}
