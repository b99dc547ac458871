using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Sd;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/sdhci.md.</summary>
public class SdhciEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var card = new SdCard(new byte[1 << 20]);
        var host = new SdHost(new DmaPort(bus), card); // behind an IOMMU: new DmaPort(bus, unit)
        bus.Attach(new PhysicalAddress(0x1000_0000), host);
        host.Interrupt.Changed = level => lines[5] = level;

        // What the guest's CPU stores: clocks, power, interrupts, and the first command to the card.
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + register), 4, value);
        Store(SdhciRegisters.ClockControl, SdhciRegisters.InternalClock | SdhciRegisters.CardClock);
        Store(SdhciRegisters.HostControl, SdhciRegisters.DmaSelectAdma2 | SdhciRegisters.BusPower | SdhciRegisters.Voltage33);
        Store(SdhciRegisters.InterruptEnable, (uint)SdhciInterrupts.All);
        Store(SdhciRegisters.SignalEnable, (uint)SdhciInterrupts.All);
        Store(SdhciRegisters.Command, SdhciCommand.For(SdCommand.GoIdle, SdhciCommand.NoResponse).Value << 16);

        Assert.True(lines[5]);
        Assert.Equal(SdCardState.Idle, card.State);
    }
}
