using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>What each architecture does to the caches, call by call and direction by direction.</summary>
public sealed class CacheMaintenanceTests : IDisposable
{
    private const string Clean = "clean", Invalidate = "invalidate", Both = "clean+invalidate", None = "";

    private readonly HonestMemory _ram = new(false);
    private readonly FakeMemory _tables = new();
    private readonly RecordingMemory _memory;

    public CacheMaintenanceTests() => _memory = new RecordingMemory(_ram);

    /// <summary>For the device: to, from, both ways; for the CPU: to, from, both ways.</summary>
    public static TheoryData<CacheMaintenance, string[]> Table => new()
    {
        { CacheMaintenance.Arm64, [Clean, Clean, Clean, None, Invalidate, Invalidate] },
        { CacheMaintenance.Armv7, [Clean, Invalidate, Clean, None, Invalidate, Invalidate] },
        { CacheMaintenance.Mips, [Clean, Invalidate, Both, None, Invalidate, Invalidate] },
        { CacheMaintenance.MipsInOrder, [Clean, Invalidate, Both, None, None, None] },
    };

    public void Dispose()
    {
        _ram.Dispose();
        _tables.Dispose();
    }

    [Theory]
    [MemberData(nameof(Table))]
    public void Each_call_does_what_the_architecture_wants_and_no_more(CacheMaintenance architecture, string[] table)
    {
        foreach (var behind in (bool[])[false, true])
        {
            var context = Attach(architecture, behind, isCoherent: false);
            var memory = _ram.Allocate(0x3000).Slice(0x123, 0x1357);
            foreach (var (direction, column) in ((DmaDirection, int)[])[(DmaDirection.ToDevice, 0), (DmaDirection.FromDevice, 1),
                (DmaDirection.Bidirectional, 2)])
            {
                string forDevice = table[column], forCpu = table[column + 3];
                DmaMapping mapping = default;
                Expect(forDevice, memory, () => mapping = context.Map(memory, direction));
                Expect(forCpu, memory.Slice(0x40, 0x100), () => mapping.SyncForCpu(0x40, 0x100));
                Expect(forDevice, memory.Slice(0x40, 0x100), () => mapping.SyncForDevice(0x40, 0x100));
                Expect(forCpu, memory.Slice(3, 5), () => context.SyncForCpu(mapping.Address + 3, 5, direction));
                Expect(forDevice, memory.Slice(3, 5), () => context.SyncForDevice(mapping.Address + 3, 5, direction));
                Expect(forCpu, memory, () => mapping.Dispose());
                Expect(None, memory, () => context.Map(memory, direction, DmaAttributes.SkipCpuSync)
                    .Unmap(DmaAttributes.SkipCpuSync));
                Expect(forDevice, memory, () => mapping = context.Map(memory, direction));
                Expect(None, memory, () => mapping.Unmap(DmaAttributes.SkipCpuSync));
                Scatter(context, memory, direction, forDevice, forCpu);
            }
        }
    }

    [Fact]
    public void Caches_that_speculate_refuse_maintenance_for_cores_that_do_not()
    {
        using var memory = new HonestMemory(true);
        var platform = new DmaPlatform(memory) { Maintenance = CacheMaintenance.Mips };
        var error = Assert.Throws<ApertureException>(() => platform.Maintenance = CacheMaintenance.MipsInOrder);
        Assert.Equal(Status.NotSupported, error.Status);
        Assert.Contains("use Mips", error.Message, StringComparison.Ordinal);
        Assert.Equal(CacheMaintenance.Mips, platform.Maintenance);
        using var plain = new HonestMemory(false);
        Assert.Equal(CacheMaintenance.MipsInOrder, new DmaPlatform(plain) { Maintenance = CacheMaintenance.MipsInOrder }.Maintenance);
    }

    [Fact]
    public void Nothing_is_done_for_a_device_that_snoops()
    {
        foreach (var behind in (bool[])[false, true])
        {
            var context = Attach(CacheMaintenance.Mips, behind, isCoherent: true);
            var memory = _ram.Allocate(0x1000);
            Expect(None, memory, () =>
            {
                using var mapping = context.Map(memory, DmaDirection.Bidirectional);
                mapping.SyncForCpu();
                mapping.SyncForDevice();
                Assert.False(mapping.NeedsSync || context.NeedsSync(mapping.Address));
                context.SyncForCpu(mapping.Address, 5, DmaDirection.Bidirectional);
                context.MapScatter([memory], new DmaSegment[1], DmaDirection.Bidirectional).Dispose();
                context.Allocate(100).Dispose();
                context.AllocatePages(100, DmaDirection.Bidirectional).Dispose();
            });
            Assert.Equal((true, 1), (context.IsCoherent, context.CacheAlignment));
        }
    }

    private void Scatter(DmaContext context, MemoryBlock memory, DmaDirection direction, string forDevice, string forCpu)
    {
        MemoryBlock[] pieces = [memory.Slice(0, 0x100), default, memory.Slice(0x800, 0x80)];
        _memory.Done.Clear();
        var mapping = context.MapScatter(pieces, new DmaSegment[3], direction);
        Seen(forDevice);
        mapping.SyncForCpu();
        Seen(forCpu);
        mapping.SyncForDevice();
        Seen(forDevice);
        mapping.Dispose();
        Seen(forCpu);

        void Seen(string what)
        {
            Assert.Equal(what == None ? [] : [(what, pieces[0].Address, 0x100ul), (what, pieces[2].Address, 0x80ul)], _memory.Done);
            _memory.Done.Clear();
        }
    }

    private void Expect(string what, MemoryBlock memory, Action call)
    {
        _memory.Done.Clear();
        call();
        Assert.Equal(what == None ? [] : [(what, memory.Address, (ulong)memory.Length)], _memory.Done);
    }

    private DmaContext Attach(CacheMaintenance architecture, bool behind, bool isCoherent)
    {
        var core = new IommuCore(_tables);
        var device = new Device("d") { Description = new DeviceDescription { IsCoherent = isCoherent } };
        if (behind)
        {
            var unit = new FakeUnit(new Device("u"));
            core.Register(unit);
            core.Configure(device, [new IommuSpecifier(unit.Device.Key, "u", [1])]);
        }

        DmaAttach.Attach(device, core, new DmaPlatform(_memory) { Maintenance = architecture });
        return device.Dma;
    }
}
