using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Msm;

/// <summary>A unit on a bus with a few megabytes of RAM; each bank has tables of its own.</summary>
internal sealed class MsmRig : IDisposable
{
    public const uint Ram = 0x8000_0000;
    public const uint SmallPage = 0xC7E; // nG, S, cached, AP = 11, small page

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 4 << 20));

    public MsmRig(MsmIommuOptions? options = null, int maxRetries = 8, int stallTurns = 1000)
    {
        Bus = new SystemBus(_memory);
        Unit = new MsmIommu(Bus, options ?? new MsmIommuOptions()) { MaxRetries = maxRetries, StallTurns = stallTurns };
    }

    public SystemBus Bus { get; }

    public MsmIommu Unit { get; }

    public MsmFault Fault(int bank = 0) => (MsmFault)this[bank, MsmContextRegisters.FaultStatus];

    public uint this[uint offset]
    {
        get
        {
            Assert.True(Unit.TryRead(offset, 4, out var value));
            return (uint)value;
        }
        set => Assert.True(Unit.TryWrite(offset, 4, value));
    }

    public uint this[int bank, uint register]
    {
        get => this[MsmContextRegisters.Of(bank, register)];
        set => this[MsmContextRegisters.Of(bank, register)] = value;
    }

    /// <summary>The first-level table of a bank.</summary>
    public static uint L1(int bank) => Ram + ((uint)bank << 16);

    /// <summary>Its second-level table, which serves whichever MiB was mapped last.</summary>
    public static uint L2(int bank) => L1(bank) + 0x4000;

    public void Store(uint address, uint value) => MemoryMarshal.Write(_memory.Span(new PhysicalAddress(address), 4), in value);

    public uint Load(uint address) => MemoryMarshal.Read<uint>(_memory.Span(new PhysicalAddress(address), 4));

    /// <summary>Maps 4 KiB.</summary>
    public void Map(uint address, uint target, uint attributes = SmallPage, int bank = 0)
    {
        Store(L1(bank) + (address >> 20 << 2), L2(bank) | 1);
        Store(L2(bank) + ((address >> 12 & 0xFF) << 2), target | attributes);
    }

    /// <summary>Maps 1 MiB, or with attributes for it one sixteenth of 16 MiB.</summary>
    public void MapSection(uint address, uint target, uint attributes = 0x3_1C0E, int bank = 0) =>
        Store(L1(bank) + (address >> 20 << 2), target | attributes);

    /// <summary>Lets a machine ID lead to a bank, and the bank run as drivers run it; its number is its ASID.</summary>
    public MsmRig Start(int bank = 0, uint machine = 0, uint auxiliary = MsmAuxiliaryControl.Running,
        uint system = MsmSystemControl.Running)
    {
        this[bank, MsmContextRegisters.ContextId] = (uint)bank;
        this[bank, MsmContextRegisters.TableBase0] = MsmTableBase.NonCached(L1(bank)).Bits;
        this[bank, MsmContextRegisters.PrimaryRemap] = 0x800B_8204;
        this[bank, MsmContextRegisters.NormalRemap] = 0x4000_4000;
        this[bank, MsmContextRegisters.AuxiliaryControl] = auxiliary;
        this[bank, MsmContextRegisters.SystemControl] = system;
        this[MsmGlobalRegisters.MachineMapOf(machine)] = MsmMachineMap.To(bank).Bits;
        return this;
    }

    public TranslationStatus Translate(ulong address, DmaAccess access, out uint target, uint machine = 0,
        AccessFlags flags = AccessFlags.None)
    {
        var result = Unit.Translate(
            new BusRequest(new Requester(new StreamId(machine), null, flags), new Iova(address), access, tag: 0x5A));
        target = (uint)result.Address.Value;
        return result.Status;
    }

    /// <summary>Where a read goes; null for none.</summary>
    public uint? Read(ulong address, uint machine = 0) =>
        Translate(address, DmaAccess.Read, out var target, machine) == TranslationStatus.Ok ? target : null;

    /// <summary>What a translation operation answers.</summary>
    public MsmTranslationResult Operate(uint address, uint operation = MsmContextRegisters.TranslateUserRead, int bank = 0)
    {
        this[bank, operation] = address;
        return new MsmTranslationResult(this[bank, MsmContextRegisters.TranslationResult]);
    }

    public void Dispose() => _memory.Dispose();
}
