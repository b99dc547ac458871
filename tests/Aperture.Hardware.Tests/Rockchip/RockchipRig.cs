using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Rockchip;

/// <summary>A unit with memory for tables, programmed by hand.</summary>
internal sealed class RockchipRig : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const ulong WideRam = 0x12_8000_0000;
    public const int RamBytes = 1 << 20;

    private readonly PhysicalMemory _memory;
    private readonly bool _isWide;

    public RockchipRig(RockchipIommuOptions? options = null)
    {
        options ??= new();
        _isWide = options.IsWide;
        Base = _isWide ? WideRam : Ram;
        _memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Base), RamBytes));
        Unit = new RockchipIommu(new SystemBus(_memory), options);
    }

    public RockchipIommu Unit { get; }

    /// <summary>The directory; page tables follow it.</summary>
    public ulong Base { get; }

    public uint this[uint register]
    {
        get => Read(0, register);
        set => Write(0, register, value);
    }

    public RockchipMmuStatus Status => new(this[RockchipMmuRegister.Status]);

    public uint Read(int mmu, uint register)
    {
        Assert.True(Unit.Mmus[mmu].TryRead(register, 4, out var value));
        return (uint)value;
    }

    public void Write(int mmu, uint register, uint value) => Assert.True(Unit.Mmus[mmu].TryWrite(register, 4, value));

    public void Command(RockchipMmuCommand command, int mmu = 0) => Write(mmu, RockchipMmuRegister.Command, (uint)command);

    /// <summary>Translates through the directory from now on, with interrupts.</summary>
    public void Start(int mmu = 0)
    {
        Write(mmu, RockchipMmuRegister.TableBase, Entry(Base) | 1);
        Write(mmu, RockchipMmuRegister.InterruptMask, 3);
        Command(RockchipMmuCommand.EnablePaging, mmu);
    }

    /// <summary>Maps a page; rights in the entry's own bits, 6 for both.</summary>
    public void Map(uint iova, ulong page, uint rights = 6)
    {
        var table = Base + 0x1000 + ((iova >> 22) % 64 * 0x1000);
        SetWord(Base + (iova >> 22 << 2), Entry(table) | 1);
        SetWord(table + ((iova >> 12 & 0x3FF) << 2), Entry(page) | rights | 1);
    }

    public void Unmap(uint iova) => SetWord(Base + 0x1000 + ((iova >> 22) % 64 * 0x1000) + ((iova >> 12 & 0x3FF) << 2), 0);

    public void SetWord(ulong address, uint word) => BitConverter.TryWriteBytes(_memory.Span(new PhysicalAddress(address), 4), word);

    public TranslationStatus Translate(uint iova, out ulong address, DmaAccess access = DmaAccess.Read, uint stream = 0)
    {
        var result = Unit.Translate(new BusRequest(new StreamId(stream), new Iova(iova), access));
        address = result.Address.Value;
        return result.Status;
    }

    public ulong Reaches(uint iova, DmaAccess access = DmaAccess.Read, uint stream = 0)
    {
        Assert.Equal(TranslationStatus.Ok, Translate(iova, out var address, access, stream));
        return address;
    }

    public uint Entry(ulong address) => _isWide
        ? (uint)(address & 0xFFFF_F000) | (uint)(address >> 32 & 0xF) << 8 | (uint)(address >> 36 & 0xF) << 4
        : (uint)address & 0xFFFF_F000;

    public void Dispose() => _memory.Dispose();
}
