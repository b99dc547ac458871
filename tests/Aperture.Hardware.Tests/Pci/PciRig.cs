using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Pci;

namespace Aperture.Hardware.Tests.Pci;

/// <summary>A host on a bus with RAM, and what a test does with its configuration space.</summary>
internal sealed class PciRig : IDisposable
{
    public const ulong Ecam = 0x4000_0000;
    public const ulong Window = 0x5000_0000;
    public const ulong Ram = 0x8000_0000;

    public PciRig(Func<PciAddress, PciUpstream>? upstream = null, bool readsOnes = true)
    {
        Memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), 1 << 20));
        Bus = new SystemBus(Memory);
        Host = new PciHost(new PciHostOptions
        {
            LastBus = 15,
            Windows = [new PciMemoryWindow(new PhysicalAddress(Window), Window, 0x1000_0000)],
            Upstream = upstream,
            ReadsOnes = readsOnes,
        });
        Host.AttachTo(Bus, new PhysicalAddress(Ecam));
    }

    public PhysicalMemory Memory { get; }

    public SystemBus Bus { get; }

    public PciHost Host { get; }

    public void Dispose() => Memory.Dispose();

    public ulong Read(PciAddress function, uint register, int width)
    {
        Assert.True(Bus.TryReadRegister(At(function, register), width, out var value));
        return value;
    }

    public ushort Read16(PciAddress function, uint register) => (ushort)Read(function, register, 2);

    public uint Read32(PciAddress function, uint register) => (uint)Read(function, register, 4);

    public void Write(PciAddress function, uint register, int width, ulong value) =>
        Assert.True(Bus.TryWriteRegister(At(function, register), width, value));

    public void Write16(PciAddress function, uint register, ushort value) => Write(function, register, 2, value);

    public void Write32(PciAddress function, uint register, uint value) => Write(function, register, 4, value);

    /// <summary>Switches a function on, with a BAR somewhere.</summary>
    public void Enable(
        PciAddress function, uint bar = 0, PciCommand command = PciCommand.MemorySpace | PciCommand.BusMaster, int number = 0)
    {
        if (bar != 0)
            Write32(function, PciRegisters.Bar0 + (4 * (uint)number), bar);
        Write16(function, PciRegisters.Command, (ushort)command);
    }

    /// <summary>Gives a bridge numbers and a window, and switches it on.</summary>
    public void Bridge(PciAddress bridge, byte secondary, byte subordinate, uint first = 0, uint bytes = 0)
    {
        Write(bridge, BridgeRegisters.SecondaryBus, 1, secondary);
        Write(bridge, BridgeRegisters.SubordinateBus, 1, subordinate);
        Write16(bridge, BridgeRegisters.MemoryBase, (ushort)(first >> 16));
        Write16(bridge, BridgeRegisters.MemoryLimit, (ushort)((first + bytes - 1) >> 16));
        if (bytes == 0)
        {
            Write16(bridge, BridgeRegisters.MemoryBase, 0xFFF0);
            Write16(bridge, BridgeRegisters.MemoryLimit, 0);
        }

        Write16(bridge, BridgeRegisters.PrefetchableBase, 0xFFF0);
        Write16(bridge, BridgeRegisters.PrefetchableLimit, 0);
        Write16(bridge, PciRegisters.Command, (ushort)(PciCommand.MemorySpace | PciCommand.BusMaster));
    }

    /// <summary>Where a function has a capability; 0 for nowhere.</summary>
    public uint Find(PciAddress function, CapabilityId id)
    {
        var at = (uint)Read(function, PciRegisters.Capabilities, 1);
        while (at != 0 && (CapabilityId)Read(function, at, 1) != id)
            at = (uint)Read(function, at + 1, 1);
        return at;
    }

    public uint Find(PciAddress function, ExtendedCapabilityId id)
    {
        for (uint at = PciRegisters.FirstExtendedCapability; at != 0;)
        {
            var header = new ExtendedCapabilityHeader(Read32(function, at));
            if (header.Id == id)
                return at;
            at = header.Next;
        }

        return 0;
    }

    public uint Word(ulong address)
    {
        Span<byte> bytes = stackalloc byte[4];
        Assert.True(Bus.TryRead(new PhysicalAddress(address), bytes));
        return BitConverter.ToUInt32(bytes);
    }

    private static PhysicalAddress At(PciAddress function, uint register) => new(Ecam + ((ulong)function.Value << 12) + register);
}

/// <summary>Words in a BAR.</summary>
internal sealed class WordBlock(uint size = 4096) : BusDevice
{
    private readonly uint[] _words = new uint[size / 4];

    public int Resets { get; private set; }

    public override uint Size => size;

    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = _words[offset / 4];
        return Answers && width == 4;
    }

    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || width != 4)
            return false;
        _words[offset / 4] = (uint)value;
        return true;
    }

    protected override void Reset()
    {
        Resets++;
        Array.Clear(_words);
        Interrupt.Set(false);
    }
}
