using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/msm-iommu.md.</summary>
public class MsmEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var iommu = new MsmIommu(bus, new MsmIommuOptions { Banks = 2 });
        bus.Attach(new PhysicalAddress(0x0750_0000), iommu);
        iommu.Interrupt.Changed = level => lines[64] = level;
        var display = new DmaPort(bus, iommu, new StreamId(0)); // the machine ID that the display sends

        // What the guest's CPU stores: a section of 1 MiB at 0x10000000; bank 0 with its table; machine ID 0 leads to bank 0.
        BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_0400), 4), 0x8013_1C0E);
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x0750_0000 + register), 4, value);
        Store(MsmContextRegisters.Of(0, MsmContextRegisters.TableBase0), MsmTableBase.NonCached(0x8000_0000).Bits);
        Store(MsmContextRegisters.Of(0, MsmContextRegisters.AuxiliaryControl), MsmAuxiliaryControl.Running);
        Store(MsmContextRegisters.Of(0, MsmContextRegisters.SystemControl), MsmSystemControl.Running);
        Store(MsmGlobalRegisters.MachineMapOf(0), MsmMachineMap.To(0).Bits);

        // What the device does goes through its port.
        var written = display.Write(new Iova(0x1000_0010), "hello"u8, out _);
        var held = display.Write(new Iova(0x2000_0000), "hello"u8, out _); // again once the guest's handler has released it

        Assert.Equal((DmaStatus.Ok, DmaStatus.Stalled), (written, held));
        Assert.True(lines[64]);
        Assert.Equal("hello"u8, ram.Span(new PhysicalAddress(0x8010_0010), 5));
    }
}
