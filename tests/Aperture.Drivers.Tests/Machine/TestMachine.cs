using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Power;

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
        Device.Dma.Attach(new DmaPlatform(Memory), null, null);
    }

    public SystemBus Bus { get; }

    public BusMemory Memory { get; }

    public Device Device { get; }

    public Gate Clock { get; } = new(GateKind.Clock, "clock");

    public Gate Reset { get; } = new(GateKind.Reset, "reset");

    public Gate Domain { get; } = new(GateKind.PowerDomain, "domain");

    /// <summary>Whether the device gets no power though its domain is on.</summary>
    public bool IsBroken { get; set; }

    /// <summary>Whether everything that the device needs is on.</summary>
    public bool IsOn => Clock.IsOn && Reset.IsOn && Domain.IsOn;

    /// <summary>Whether everything that it needs is off.</summary>
    public bool IsOff => !Clock.IsOn && !Reset.IsOn && !Domain.IsOn;

    public Span<byte> Bytes(ulong address, int length) => _memory.Span(new PhysicalAddress(address), length);

    /// <summary>Puts a model behind the device.</summary>
    public void Wire(MasterDevice model)
    {
        Device.Registers.Add(new BusRegisterRegion(Device.Name, model));
        var wire = new InterruptWire(Device.Name);
        wire.Connect(model.Interrupt);
        Device.Interrupts.Add(wire.Input);
        Clock.Changed += on => model.IsClocked = on;
        Reset.Changed += on => model.SetReset(!on);
        Domain.Changed += on => model.SetPower(on && !IsBroken);
        model.IsClocked = false;
        model.SetReset(true);
        model.SetPower(false);
        Device.Clocks.Add("core", Clock);
        Device.Resets.Add("core", Reset);
        Device.PowerDomains.Add(Domain);
    }

    public T Bind<T>(IDriver driver)
        where T : class, IBoundDriver
    {
        Device.Power.Get();
        var bound = driver.Probe(Device);
        Device.Bound = bound;
        Device.Driver = driver;
        Device.Power.Put();
        return Assert.IsType<T>(bound);
    }

    public void Unbind()
    {
        Device.Power.Get();
        Device.Bound!.Remove();
        Device.Bound = null;
        Device.ReleaseManaged(error => throw error);
        Device.Driver = null;
        Device.Power.Put();
    }

    public void Dispose() => _memory.Dispose();
}
