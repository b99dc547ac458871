using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Exynos;

/// <summary>A unit on a bus, with the few sequences that every test needs, spelt by layout.</summary>
internal sealed class SysMmuHarness : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const uint RamSize = 4 << 20;
    public const ulong Table = Ram + 0x4000;

    private readonly PhysicalMemory? _owned; // memory to dispose, when the harness made it

    public SysMmuHarness(SysMmuOptions options)
    {
        _owned = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), RamSize));
        Bus = new SystemBus(_owned);
        Unit = new ExynosSysMmu(Bus, options);
    }

    public SysMmuHarness(SysMmuOptions options, SystemBus bus)
    {
        Bus = bus;
        Unit = new ExynosSysMmu(bus, options);
    }

    public static readonly (string Name, SysMmuOptions Options)[] Versions =
    [
        ("v1", SysMmuOptions.V1), ("v2", SysMmuOptions.V2), ("v3.1", SysMmuOptions.V31), ("v3.2", SysMmuOptions.V32),
        ("v3.3", SysMmuOptions.V33), ("v5", SysMmuOptions.V5), ("v7", SysMmuOptions.V7), ("v7vm", SysMmuOptions.V7Vm),
    ];

    public static SysMmuOptions Version(string name) => Versions.Single(version => version.Name == name).Options;

    public SystemBus Bus { get; }

    public ExynosSysMmu Unit { get; }

    public SysMmuLayout Layout => Unit.Options.Layout;

    public int Shift => Layout == SysMmuLayout.V1 ? 0 : 4;

    public uint FlushRegister => Layout switch { SysMmuLayout.V1 => 0x0C, SysMmuLayout.V7Vm => 0x8010, _ => 0x10 };

    public uint FlushEntryRegister => Layout switch { SysMmuLayout.V1 => 0x10, SysMmuLayout.V7Vm => 0x8014, _ => 0x14 };

    public uint BaseRegister => Layout switch { SysMmuLayout.V1 => 0x14, SysMmuLayout.V7Vm => 0x800C, _ => 0x0C };

    public uint StatusRegister => Layout == SysMmuLayout.V1 ? 0x18u : 0x60u;

    public uint ClearRegister => Layout == SysMmuLayout.V1 ? 0x1Cu : 0x64u;

    /// <summary>The recorded enable sequence.</summary>
    public void Enable(ulong table = Table)
    {
        Write(0, 7);
        Write(4, (Unit.Options.Version >> 28) < 3 ? 0x785u : 0x1100784);
        Write(BaseRegister, (uint)(Layout == SysMmuLayout.V1 ? table : table >> 12));
        Write(FlushRegister, 1);
        if (Layout == SysMmuLayout.V7Vm)
            Write(0x8000, 9);
        Write(0, 5);
    }

    public void Write(uint offset, uint value) => Assert.True(Unit.TryWrite(offset, 4, value));

    public uint Read(uint offset)
    {
        Assert.True(Unit.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    public TranslationStatus Translate(ulong address, DmaAccess access, out ulong target, uint stream = 0)
    {
        var result = Unit.Translate(new BusRequest(new Requester(new StreamId(stream)), new Iova(address), access, tag: 0x123));
        target = result.Address.Value;
        return result.Status;
    }

    public void AssertMapped(ulong address, ulong expected, DmaAccess access = DmaAccess.Read, uint stream = 0)
    {
        Assert.Equal(TranslationStatus.Ok, Translate(address, access, out var target, stream));
        Assert.Equal(expected, target);
    }

    public void Store(ulong address, uint value) => MemoryMarshal.Write(Bus.Memory.Span(new PhysicalAddress(address), 4), in value);

    public void Section(uint address, ulong target, SysMmuAccess access = SysMmuAccess.ReadWrite, ulong table = Table) =>
        Store(table + (address >> 20 << 2), (uint)(target >> Shift) | Permission(access, 10, 15, 4) | 2);

    public void Link(uint address, ulong second, ulong table = Table) => Store(table + (address >> 20 << 2), (uint)(second >> Shift) | 1);

    /// <summary>A page, 4 KiB or 64 KiB, in a second-level table.</summary>
    public void Page(uint address, ulong second, ulong target, SysMmuAccess access = SysMmuAccess.ReadWrite, bool large = false)
    {
        var word = (uint)(target >> Shift) | Permission(access, 4, 9, 2) | (large ? 1u : 2u);
        for (var i = 0u; i < (large ? 16 : 1); i++)
            Store(second + ((((address >> 12) & 0xFF) + i) * 4), word);
    }

    private uint Permission(SysMmuAccess access, int ap0, int ap2, int modern)
    {
        if (Shift != 0)
            return (uint)access << modern;
        return access switch
        {
            SysMmuAccess.None => 0,
            SysMmuAccess.Read => (1u << ap0) | (1u << ap2),
            _ => 1u << ap0,
        };
    }

    public void Dispose() => _owned?.Dispose();
}
