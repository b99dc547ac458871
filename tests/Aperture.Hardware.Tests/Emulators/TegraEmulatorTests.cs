using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/tegra-smmu.md.</summary>
public class TegraEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var controller = new TegraSmmu(bus, TegraSmmuOptions.Tegra124);
        bus.Attach(new PhysicalAddress(0x7001_9000), controller);
        controller.Interrupt.Changed = level => lines[77] = level;
        var audio = controller.Options.Soc.Swgroups.Single(swgroup => swgroup.Name == "hda");
        var port = new DmaPort(bus, controller, new StreamId(audio.Id));

        // What the guest's CPU stores: a section of 4 MiB at 0x10000000; address space 3 with its directory; audio's clients go by it.
        BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_4100), 4), 0x8_0400 | TegraDescriptor.RightsMask);
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x7001_9000 + register), 4, value);
        Store(TegraMcRegister.TableAsid, 3);
        Store(TegraMcRegister.TableData, 0x8_0004 | TegraDescriptor.RightsMask);
        Store(audio.AsidRegister, 0x8000_0000 | 3);
        foreach (var client in controller.Options.Soc.Clients.Where(client => client.Swgroup == audio.Id && client.CanTranslate))
            Store(client.EnableRegister, uint.MaxValue);
        Store(TegraMcRegister.InterruptMask, uint.MaxValue);
        Store(TegraMcRegister.Config, 1);

        // What the device does goes through its port.
        var written = port.Write(new Iova(0x1000_0010), "hello"u8, out _);
        var refused = port.Write(new Iova(0x2000_0000), "hello"u8, out _);

        Assert.Equal((DmaStatus.Ok, DmaStatus.Refused), (written, refused));
        Assert.True(lines[77]);
        Assert.Equal("hello"u8, ram.Span(new PhysicalAddress(0x8040_0010), 5));
    }
}
