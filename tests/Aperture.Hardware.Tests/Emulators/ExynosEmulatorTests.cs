using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/exynos-sysmmu.md.</summary>
public class ExynosEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x4000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var sysMmu = new ExynosSysMmu(bus, SysMmuOptions.V33);
        bus.Attach(new PhysicalAddress(0x1362_0000), sysMmu);
        sysMmu.Interrupt.Changed = level => lines[50] = level;
        var codec = new DmaPort(bus, sysMmu);

        // What the guest's CPU stores: a section of 1 MiB at 0x10000000, the table, on.
        BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x4000_4400), 4), 0x4010_0002);
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1362_0000 + register), 4, value);
        Store(SysMmuV1Register.TableBase, 0x4000_4000);
        Store(SysMmuRegister.Control, 5); // enabled, with interrupts

        // What the device does goes through its port.
        var written = codec.Write(new Iova(0x1000_0010), "hello"u8, out _);
        var held = codec.Write(new Iova(0x2000_0000), "hello"u8, out _); // again once the guest's handler has written MMU_CTRL

        Assert.Equal((DmaStatus.Ok, DmaStatus.Stalled), (written, held));
        Assert.True(lines[50]);
        Assert.Equal("hello"u8, ram.Span(new PhysicalAddress(0x4010_0010), 5));
    }
}
