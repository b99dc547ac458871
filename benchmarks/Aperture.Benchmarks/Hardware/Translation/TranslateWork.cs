using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Core.Threading;
using Aperture.Datasheets.Exynos;
using Aperture.Datasheets.Msm;
using Aperture.Datasheets.Omap;
using Aperture.Datasheets.Rockchip;
using Aperture.Datasheets.SmmuV3;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Benchmarks.Hardware.Translation;

/// <summary>A translation unit under the accesses of a master, or of several in turn: 16 pages that stay in its cache, 1024 that do
/// not.</summary>
internal sealed class TranslateWork : IDisposable
{
    private static readonly Iova Base = new(0x1000_0000);
    private readonly PhysicalMemory _memory;
    private readonly TranslationUnit _unit;
    private readonly DmaPort _port;
    private readonly byte[] _buffer = new byte[64 << 10];

    private readonly int _streamBits; // log2 of the masters
    private readonly uint _firstStream; // the number of the first one

    private TranslateWork(SystemBus bus, TranslationUnit unit, int streamBits = 0, uint firstStream = 0)
    {
        _memory = bus.Memory;
        _unit = unit;
        _streamBits = streamBits;
        _firstStream = firstStream;
        _port = new DmaPort(bus, unit);
    }

    /// <summary>An OMAP4 DSP MMU: 32 entries.</summary>
    public static TranslateWork Omap()
    {
        var bus = NewBus();
        var unit = new OmapMmu(bus, OmapMmuOptions.Omap4Dsp);
        Write(unit, OmapRegisters.TableBase, Fill(new TableAllocator(new PageAllocator(bus.Memory)), default(OmapFormat)).Value);
        Write(unit, OmapRegisters.Control, 6);
        return new TranslateWork(bus, unit);
    }

    /// <summary>A SysMMU v5: 32 entries, a second-level cache of 256.</summary>
    public static TranslateWork Exynos()
    {
        var bus = NewBus();
        var unit = new ExynosSysMmu(bus, SysMmuOptions.V5);
        var tables = new TableAllocator(new PageAllocator(bus.Memory));
        Write(unit, SysMmuV5Register.TableBase, Fill(tables, new ExynosFormat(isWide: true)).Value >> 12);
        Write(unit, SysMmuRegister.Control, 5);
        return new TranslateWork(bus, unit);
    }

    /// <summary>An MSM IOMMU: 64 entries; four masters in turn, each in a domain of its own.</summary>
    public static TranslateWork Msm()
    {
        const int streamBits = 2;
        var bus = NewBus();
        var unit = new MsmIommu(bus, new() { Banks = 1 << streamBits });
        var tables = new TableAllocator(new PageAllocator(bus.Memory));
        var format = new ArmShortFormat(new ArmShortOptions());
        for (var bank = 0; bank < 1 << streamBits; bank++)
        {
            Write(unit, MsmContextRegisters.Of(bank, MsmContextRegisters.ContextId), (ulong)bank);
            Write(unit, MsmContextRegisters.Of(bank, MsmContextRegisters.TableBase0), format.TableBase(Fill(tables, format)));
            Write(unit, MsmContextRegisters.Of(bank, MsmContextRegisters.AuxiliaryControl), MsmAuxiliaryControl.Running);
            Write(unit, MsmContextRegisters.Of(bank, MsmContextRegisters.SystemControl), MsmSystemControl.Running);
            Write(unit, MsmGlobalRegisters.MachineMapOf((uint)bank), MsmMachineMap.To(bank).Bits);
        }

        return new TranslateWork(bus, unit, streamBits);
    }

    /// <summary>A Tegra124 SMMU: 32 lines of four pages; eight swgroups in turn, each in an address space of its own, all 128 of which are
    /// in use.</summary>
    public static TranslateWork Tegra()
    {
        const int streamBits = 3;
        const uint first = 1;
        var bus = NewBus();
        var unit = new TegraSmmu(bus, TegraSmmuOptions.Tegra124);
        var tables = new TableAllocator(new PageAllocator(bus.Memory));
        var root = Fill(tables, new TegraFormat(unit.Options.Soc.AddressBits));
        for (var asid = 0; asid < unit.Options.Soc.Asids; asid++)
        {
            Write(unit, TegraMcRegister.TableAsid, (uint)asid);
            Write(unit, TegraMcRegister.TableData, TegraTableData.For(root.Value));
        }

        for (var i = 0; i < 1 << streamBits; i++)
        {
            var swgroup = unit.Options.Soc.FindSwgroup(first + (uint)i)!.Value;
            Write(unit, swgroup.AsidRegister, TegraSwgroupAsid.For(i << (7 - streamBits)).Value);
        }

        for (var i = 0; i < TegraMcRegister.TranslationEnables; i++)
            Write(unit, TegraMcRegister.TranslationEnable(i), uint.MaxValue);
        Write(unit, TegraMcRegister.TlbConfig, TegraTlbConfig.For(unit.Options.Soc).Value);
        Write(unit, TegraMcRegister.Config, TegraMcRegister.ConfigEnable);
        return new TranslateWork(bus, unit, streamBits, first);
    }

    /// <summary>A Rockchip IOMMU of two MMUs: 32 entries each.</summary>
    public static TranslateWork Rockchip()
    {
        var bus = NewBus();
        var unit = new RockchipIommu(bus, new RockchipIommuOptions { Mmus = 2 });
        var tables = new TableAllocator(new PageAllocator(bus.Memory));
        Write(unit, RockchipMmuRegister.TableBase, Fill(tables, new RockchipFormat(isWide: false)).Value | 1);
        Write(unit, RockchipMmuRegister.Command, (ulong)RockchipMmuCommand.EnablePaging);
        return new TranslateWork(bus, unit);
    }

    /// <summary>An SMMUv3 with a TLB of 256 entries: stage 1 of four levels, or that behind stage 2, whose pages of 1 GiB lead to
    /// themselves.</summary>
    /// <param name="isNested">Whether there are both stages.</param>
    public static TranslateWork SmmuV3(bool isNested)
    {
        var bus = NewBus();
        var unit = new SmmuV3(bus, new SmmuV3Options());
        var pages = new PageAllocator(bus.Memory);
        var tables = new TableAllocator(pages);
        var format = new ArmLpaeFormat(new ArmLpaeOptions { CoherentWalk = true });
        var descriptor = new SmmuV3ContextDescriptor
        {
            IsValid = true,
            IsIn64 = true,
            Aborts = true,
            Records = true,
            OutputSize = (uint)format.Control.OutputSize,
            Asid = 1,
        };
        descriptor.SetControl(0, format.Control.Size, format.Control.Granule, 1, 1, 3);
        descriptor.SetOff(1, true);
        descriptor.SetTable(0, Fill(tables, format).Value);
        var entry = new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Stage1 };
        if (isNested)
        {
            var second = new ArmLpaeFormat(new ArmLpaeOptions { Kind = ArmLpaeKind.Stage2, InputBits = 40, CoherentWalk = true });
            var table = new PageTable<ArmLpaeFormat>(second, tables);
            var gather = new InvalidationGather();
            table.Map(new Iova(0x8000_0000), new PhysicalAddress(0x8000_0000), 1UL << 30, Protection.ReadWrite, ref gather);
            entry.Config = SmmuV3StreamConfig.Nested;
            entry.Stage2Control = (uint)(second.Control.Size | second.Control.StartLevel << 6 | 1 << 8 | 1 << 10 | 3 << 12
                | second.Control.OutputSize << 16);
            entry.IsStage2In64 = true;
            entry.Stage2Table = table.Root.Value;
        }

        if (!tables.TryAllocate(4096, 4096, 48, out var streams) || !tables.TryAllocate(4096, 4096, 48, out var contexts))
            throw new InvalidOperationException("there is no memory for a stream table");
        Put(bus, contexts, descriptor.Words);
        entry.Contexts = contexts.Value;
        Put(bus, streams, entry.Words);
        Write(unit, SmmuV3Register.StreamTableBase, streams.Value);
        Write(unit, SmmuV3Register.StreamTableConfig, SmmuV3StreamTableConfig.Linear(4).Value);
        Write(unit, SmmuV3Register.Cr0, (ulong)SmmuV3Control.Translates);
        return new TranslateWork(bus, unit);
    }

    private static void Put(SystemBus bus, PhysicalAddress at, SmmuV3Words words) =>
        bus.TryWrite(at, System.Runtime.InteropServices.MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)words));

    /// <summary>An access whose page the translation cache holds.</summary>
    public void Hit(int times) => Translate(times, 15);

    /// <summary>The same for two masters on two threads behind the one unit: the second begins at another page.</summary>
    public Pair Two()
    {
        Hit(1 << (4 + _streamBits));
        return new Pair(Hit, OtherHit);
    }

    /// <summary>An access whose page it does not hold: both levels are read.</summary>
    public void Walk(int times) => Translate(times, 1023);

    /// <summary>A master reads 64 KiB through 16 pages of 4 KiB.</summary>
    public void Read(int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (_port.Read(Base, _buffer, out _) != DmaStatus.Ok)
                throw new InvalidOperationException("the read failed");
        }
    }

    public void Dispose() => _memory.Dispose();

    private static SystemBus NewBus() => new(new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 64 << 20)));

    /// <summary>Maps single pages, none of which meets its neighbour in memory, so that each is translated by itself.</summary>
    private static PhysicalAddress Fill<TFormat>(TableAllocator tables, TFormat format)
        where TFormat : struct, IPageTableFormat
    {
        var table = new PageTable<TFormat>(format, tables);
        var gather = new InvalidationGather();
        for (var i = 0u; i < 1024; i++)
        {
            var target = new PhysicalAddress(0x8100_0000 + ((ulong)(i ^ 1) << 12));
            table.Map(Base + ((ulong)i << 12), target, 4096, Protection.ReadWrite, ref gather);
        }

        return table.Root;
    }

    private static void Write(TranslationUnit unit, uint offset, ulong value)
    {
        if (!unit.TryWrite(offset, 4, value))
            throw new InvalidOperationException($"register 0x{offset:x} took no write");
    }

    private void OtherHit(int times) => Translate(times, 15, 8 << _streamBits);

    private void Translate(int times, int pages, int first = 0)
    {
        var streams = (1u << _streamBits) - 1;
        var thread = ThreadRecord.Current;
        var access = default(NoBytes);
        for (var i = first; i < times + first; i++)
        {
            var address = Base + (((ulong)((i >> _streamBits) & pages) << 12) + 0x10);
            var request = new BusRequest(new StreamId(_firstStream + ((uint)i & streams)), address, DmaAccess.Read);
            if (_unit.TryAccess(thread, request, ref access) != DmaStatus.Ok)
                throw new InvalidOperationException("the access faulted");
        }
    }

    /// <summary>An access that only sees where it would go.</summary>
    private struct NoBytes : IBusAccess
    {
        private ulong _seen;

        public bool TryInMemory(SystemBus bus, in TranslationResult target)
        {
            _seen ^= target.Address.Value;
            return true;
        }

        public readonly bool TryOnBus(SystemBus bus, in TranslationResult target) => false;
    }
}
