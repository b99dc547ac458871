using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Tegra;

/// <summary>A memory controller on a bus, with the few sequences that every test needs.</summary>
internal sealed class TegraHarness : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const uint RamSize = 4 << 20;
    public const ulong Directory = Ram + 0x4000;
    public const ulong Table = Ram + 0x5000;

    private readonly PhysicalMemory? _owned; // memory to dispose, when the harness made it

    public TegraHarness(TegraSmmuOptions options)
    {
        _owned = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), RamSize));
        Bus = new SystemBus(_owned);
        Unit = new TegraSmmu(Bus, options);
    }

    public TegraHarness(TegraSmmuOptions options, SystemBus bus)
    {
        Bus = bus;
        Unit = new TegraSmmu(bus, options);
    }

    public SystemBus Bus { get; }

    public TegraSmmu Unit { get; }

    public TegraSoc Soc => Unit.Options.Soc;

    /// <summary>A swgroup with a client that reads and one that writes.</summary>
    public uint Swgroup => Soc.Swgroups.Single(swgroup => swgroup.Name == "hda").Id;

    /// <summary>Another one.</summary>
    public uint Other => Soc.Swgroups.Single(swgroup => swgroup.Name == "hc").Id;

    /// <summary>The recorded set-up of the controller.</summary>
    public void Enable()
    {
        Write(0x18, TegraPtcConfig.For(Soc).Value);
        Write(0x14, TegraTlbConfig.For(Soc).Value);
        Write(0x34, 0);
        Write(0x30, 0);
        Write(0x10, 1);
    }

    /// <summary>Gives an address space a page directory, and forgets what was in it.</summary>
    public void SetDirectory(int asid, ulong directory = Directory, uint rights = TegraDescriptor.RightsMask)
    {
        Write(0x1C, (uint)asid);
        Write(0x20, (uint)(directory >> 12) | rights);
        Write(0x30, TegraTlbFlush.Asid(Soc, asid).Value);
    }

    /// <summary>Puts a swgroup into an address space, with all of its clients.</summary>
    public void Route(uint swgroup, int asid)
    {
        Write(Soc.FindSwgroup(swgroup)!.Value.AsidRegister, 0x8000_0000 | (uint)asid);
        foreach (var client in Soc.Clients.Where(client => client.Swgroup == swgroup && client.CanTranslate))
            Write(client.EnableRegister, Read(client.EnableRegister) | client.EnableBit);
    }

    /// <summary>A unit that translates one swgroup by one address space.</summary>
    public void Start(int asid = 0)
    {
        Enable();
        SetDirectory(asid);
        Route(Swgroup, asid);
    }

    public void Write(uint offset, uint value) => Assert.True(Unit.TryWrite(offset, 4, value));

    public uint Read(uint offset)
    {
        Assert.True(Unit.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    /// <summary>What the next accesses say of themselves.</summary>
    public AccessFlags Flags { get; set; }

    public TranslationStatus Translate(ulong address, DmaAccess access, out ulong target, uint? stream = null)
    {
        var result = Unit.Translate(new BusRequest(new Requester(new StreamId(stream ?? Swgroup), null, Flags), new Iova(address), access));
        target = result.Address.Value;
        return result.Status;
    }

    public void AssertMapped(ulong address, ulong expected, DmaAccess access = DmaAccess.Read, uint? stream = null)
    {
        Assert.Equal(TranslationStatus.Ok, Translate(address, access, out var target, stream));
        Assert.Equal(expected, target);
    }

    public void AssertRefused(ulong address, DmaAccess access = DmaAccess.Read, uint? stream = null)
    {
        Assert.Equal(TranslationStatus.Aborted, Translate(address, access, out _, stream));
        Assert.Equal(0x400u, Read(0) & 0x400);
        Write(0, 0x400);
    }

    public void Store(ulong address, uint value) => MemoryMarshal.Write(Bus.Memory.Span(new PhysicalAddress(address), 4), in value);

    public void Link(uint address, ulong table = Table, ulong directory = Directory, uint rights = TegraDescriptor.RightsMask) =>
        Store(directory + (address >> 22 << 2), (uint)(table >> 12) | rights | TegraDescriptor.NextBit);

    public void Section(uint address, ulong target, uint rights = TegraDescriptor.RightsMask, ulong directory = Directory) =>
        Store(directory + (address >> 22 << 2), (uint)(target >> 12) | rights);

    public void Page(uint address, ulong target, uint rights = TegraDescriptor.RightsMask, ulong table = Table) =>
        Store(table + (address >> 12 << 2 & 0xFFC), (uint)(target >> 12) | rights);

    public void Unmap(uint address, ulong table = Table) => Store(table + (address >> 12 << 2 & 0xFFC), 0);

    /// <summary>The flush of a table word.</summary>
    public void FlushWord(ulong word)
    {
        if (Soc.IsWide)
            Write(0x9B8, (uint)(word >> 32));
        Write(0x34, (uint)word & ~((uint)Soc.Atom - 1) | 1);
    }

    public void Dispose() => _owned?.Dispose();
}
