using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Bus;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/arm-smmu-v3.md.</summary>
public class SmmuV3EmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var smmu = new SmmuV3(bus, SmmuV3Options.Mmu600);
        bus.Attach(new PhysicalAddress(0x0905_0000), smmu);
        smmu.Interrupts[0].Changed = level => lines[106] = level; // eventq, gerror, priq, cmdq-sync, unless they are messages
        var disk = new DmaPort(bus, smmu, new StreamId(8));
        var other = new DmaPort(bus, smmu, new StreamId(9));

        // What the guest's CPU stores: a stream table in which stream 8 passes and no other has an entry; an event queue; on.
        var entry = new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass };
        for (var word = 0; word < SmmuV3Words.Count; word++)
            BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_0000 + (8 * 64) + (8 * (ulong)word)), 8), entry.Words[word]);
        void Store(uint register, int width, ulong value) =>
            bus.TryWriteRegister(new PhysicalAddress(0x0905_0000 + register), width, value);
        Store(SmmuV3Register.StreamTableBase, 8, 0x8000_0000);
        Store(SmmuV3Register.StreamTableConfig, 4, SmmuV3StreamTableConfig.Linear(8).Value);
        Store(SmmuV3Register.EventQueueBase, 8, SmmuV3QueueBase.Of(0x8001_0000, 4).Value);
        Store(SmmuV3Register.Cr2, 4, SmmuV3Register.RecordInvalidStreams);
        Store(SmmuV3Register.InterruptControl, 4, (uint)SmmuV3Interrupts.All);
        Store(SmmuV3Register.Cr0, 4, (uint)(SmmuV3Control.EventQueue | SmmuV3Control.Translates));

        // What the devices do goes through their ports.
        var written = disk.Write(new Iova(0x8010_0010), "hello"u8, out _);
        var refused = other.Write(new Iova(0x8010_0020), "hello"u8, out _);

        Assert.Equal((DmaStatus.Ok, DmaStatus.Refused), (written, refused));
        Assert.True(bus.TryReadRegister(new PhysicalAddress(0x0905_0000 + SmmuV3Register.EventQueueProducer), 4, out var events));
        Assert.Equal(1u, events);
        Assert.Equal("hello"u8, ram.Span(new PhysicalAddress(0x8010_0010), 5));
    }
}
