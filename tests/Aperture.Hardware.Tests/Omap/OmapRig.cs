using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Omap;

/// <summary>An MMU on a bus with a few megabytes of RAM for tables.</summary>
internal sealed class OmapRig : IDisposable
{
    public const uint Ram = 0x8000_0000;
    public const uint L1 = Ram;
    public const uint L2 = Ram + 0x4000;
    private readonly PhysicalMemory _memory;

    public OmapRig(OmapMmuOptions? options = null, int maxRetries = 8)
    {
        _memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), 4 << 20));
        Bus = new SystemBus(_memory);
        Mmu = new OmapMmu(Bus, options ?? OmapMmuOptions.Omap3) { MaxRetries = maxRetries };
    }

    public SystemBus Bus { get; }

    public OmapMmu Mmu { get; }

    public uint this[uint offset]
    {
        get
        {
            Assert.True(Mmu.TryRead(offset, 4, out var value));
            return (uint)value;
        }
        set => Assert.True(Mmu.TryWrite(offset, 4, value));
    }

    /// <summary>Writes a word of RAM.</summary>
    public void Store(uint address, uint value) => MemoryMarshal.Write(_memory.Span(new PhysicalAddress(address), 4), in value);

    /// <summary>Maps 4 KiB: the second-level table serves one MiB at a time.</summary>
    public void Map(uint address, uint target)
    {
        Store(L1 + (address >> 20 << 2), L2 | 1);
        Store(L2 + ((address >> 12 & 0xFF) << 2), target | 2);
    }

    public OmapRig Enable(bool walker = true)
    {
        this[OmapRegisters.TableBase] = L1;
        this[OmapRegisters.IrqEnable] = walker ? 0x1Eu : 0x17;
        this[OmapRegisters.Control] = OmapControl.MmuEnable | (walker ? OmapControl.TwlEnable : 0);
        return this;
    }

    /// <summary>Loads an entry as software does.</summary>
    public void Load(int index, OmapCam cam, uint ram)
    {
        this[OmapRegisters.Lock] = new OmapLock(new OmapLock(this[OmapRegisters.Lock]).Base, index).Bits;
        this[OmapRegisters.Cam] = cam.Bits;
        this[OmapRegisters.Ram] = ram;
        this[OmapRegisters.LoadTlb] = 1;
    }

    /// <summary>CAM and RAM of an entry, read as software does.</summary>
    public (uint Cam, uint Ram) Entry(int index)
    {
        var before = this[OmapRegisters.Lock];
        this[OmapRegisters.Lock] = new OmapLock(new OmapLock(before).Base, index).Bits;
        var entry = (this[OmapRegisters.ReadCam], this[OmapRegisters.ReadRam]);
        this[OmapRegisters.Lock] = before;
        return entry;
    }

    public TranslationStatus Access(uint address, out uint target, DmaAccess access = DmaAccess.Read, bool debug = false, ushort id = 0,
        bool fetch = false)
    {
        var flags = (debug ? AccessFlags.Debug : 0) | (fetch ? AccessFlags.Instruction : 0);
        var result = Mmu.Translate(new BusRequest(new Requester(default, null, flags), new Iova(address), access, tag: id));
        target = (uint)result.Address.Value;
        return result.Status;
    }

    public void AssertTranslates(uint address, uint expected)
    {
        Assert.Equal(TranslationStatus.Ok, Access(address, out var target));
        Assert.Equal(expected, target);
    }

    public void AssertStalls(uint address, OmapFault fault)
    {
        Assert.Equal(TranslationStatus.Stalled, Access(address, out _));
        Assert.True(Mmu.IsStalled);
        Assert.Equal((uint)fault, this[OmapRegisters.IrqStatus] & (uint)fault);
        Assert.Equal(address, this[OmapRegisters.FaultAddress]);
    }

    public void Dispose() => _memory.Dispose();
}
