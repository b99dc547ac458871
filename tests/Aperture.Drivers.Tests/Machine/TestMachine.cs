using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;

namespace Aperture.Drivers.Tests.Machine;

/// <summary>One device in front of its model, with memory behind, and no IOMMU.</summary>
public sealed class TestMachine : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const int RamBytes = 16 << 20;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), RamBytes));

    public TestMachine(string name = "1000.device")
    {
        Bus = new SystemBus(_memory);
        Memory = new BusMemory(_memory, new MemoryRange(new PhysicalAddress(Ram + (RamBytes / 2)), RamBytes / 2));
        Device = new Device(name);
        Device.Dma.Attach(new DirectOperations(Memory), Memory, null);
    }

    public SystemBus Bus { get; }

    public BusMemory Memory { get; }

    public Device Device { get; }

    public Span<byte> Bytes(ulong address, int length) => _memory.Span(new PhysicalAddress(address), length);

    /// <summary>Puts a model behind the device.</summary>
    public void Wire(MasterDevice model)
    {
        Device.Registers.Add(new BusRegisterRegion(Device.Name, model));
        var interrupt = new Interrupt(Device.Name);
        model.Interrupt.Changed = interrupt.SetLevel;
        Device.Interrupts.Add(interrupt);
    }

    public T Bind<T>(IDriver driver)
        where T : class, IBoundDriver
    {
        var bound = driver.Probe(Device);
        Device.Bound = bound;
        Device.Driver = driver;
        return Assert.IsType<T>(bound);
    }

    public void Unbind()
    {
        Device.Bound!.Remove();
        Device.ReleaseManaged();
        Device.Bound = null;
        Device.Driver = null;
    }

    public void Dispose() => _memory.Dispose();
}
