using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Nvme;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/nvme.md.</summary>
public class NvmeEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var disk = new byte[1 << 20];
        var controller = new NvmeController(new DmaPort(bus), new NvmeOptions(), new NvmeNamespace(disk));
        bus.Attach(new PhysicalAddress(0x1000_0000), controller);
        controller.Interrupt.Changed = level => lines[5] = level;

        // What the guest's CPU stores: admin queues of eight entries, on.
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + register), 4, value);
        Store(NvmeRegister.AdminQueueAttributes, 0x7_0007);
        bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + NvmeRegister.AdminSubmissionQueue), 8, 0x8000_0000);
        bus.TryWriteRegister(new PhysicalAddress(0x1000_0000 + NvmeRegister.AdminCompletionQueue), 8, 0x8000_1000);
        Store(NvmeRegister.Configuration, NvmeConfiguration.Enable(12).Value);

        Assert.True(bus.TryReadRegister(new PhysicalAddress(0x1000_0000 + NvmeRegister.Status), 4, out var status));
        Assert.Equal(1u, status & 1); // ready
        Assert.False(lines[5]);
    }
}
