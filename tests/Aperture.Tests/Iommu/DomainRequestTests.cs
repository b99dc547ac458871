using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Iommu;

/// <summary>Domains as they were asked for: types, stages, sizes, dirty state, windows.</summary>
public sealed class DomainRequestTests : IDisposable
{
    private readonly FakeMemory _memory = new();
    private readonly IommuCore _core;
    private readonly RichUnit _rich;
    private readonly FakeUnit _plain;

    public DomainRequestTests()
    {
        _core = new IommuCore(_memory);
        _rich = new RichUnit(new Device("rich"), _memory);
        _plain = new FakeUnit(new Device("plain"));
        _core.Register(_rich);
        _core.Register(_plain);
    }

    public void Dispose() => _memory.Dispose();

    private Device Master(string name, IommuUnit unit, uint stream)
    {
        var device = new Device(name)
        {
            Description = new DeviceDescription
            {
                Identity = new MasterIdentity { Units = [new IommuSpecifier(unit.Device.Key, unit.Name, [stream])], PasidBits = 4 },
            },
        };
        _core.AddMaster(device);
        _core.Configure(device);
        return device;
    }

    [Fact]
    public void What_a_unit_lacks_is_refused_with_both_names()
    {
        using var parent = _plain.CreateDomain(DomainType.Unmanaged);
        Refused(Status.NotSupported, "Nesting", new DomainRequest(DomainType.Nested) { Parent = parent });
        Refused(Status.NotSupported, "SharedTables", new DomainRequest(DomainType.Shared) { Tables = new ProcessTables() });
        Refused(Status.NotSupported, "Stages: First", new DomainRequest(DomainType.Dma) { Stage = TranslationStages.Second });
        Refused(Status.NotSupported, "DirtyTracking", new DomainRequest(DomainType.Dma) { TracksDirty = true });
        Refused(Status.OutOfRange, "ApertureEnd: 0xffffffff", new DomainRequest(DomainType.Dma) { InputBits = 33 });
        Refused(Status.NotSupported, "PageSizes: 0x1000", new DomainRequest(DomainType.Dma) { PageSizes = 0x20_1000 });
        Refused(Status.InvalidArgument, "parent", new DomainRequest(DomainType.Dma) { Parent = parent });
        Refused(Status.InvalidArgument, "core's", new DomainRequest(DomainType.Identity));
        Assert.Equal(Status.NotSupported, parent.SetDirtyTracking(true));
        var gather = default(InvalidationGather);
        Assert.Equal(Status.NotSupported, parent.ReadAndClearDirty(default, 0x1000, default, ref gather));

        void Refused(Status status, string what, DomainRequest request)
        {
            var failure = Assert.Throws<ApertureException>(() => _plain.CreateDomain(request));
            Assert.Equal(status, failure.Status);
            Assert.StartsWith("IOMMU plain cannot make this domain: ", failure.Message, StringComparison.Ordinal);
            Assert.Contains(what, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Page_sizes_and_bits_are_as_asked_for()
    {
        using var domain = _rich.CreateDomain(new DomainRequest(DomainType.Unmanaged) { PageSizes = 0x1000, InputBits = 32 });
        Assert.Equal((0x1000ul, new Iova(uint.MaxValue)), (domain.PageSizes, domain.ApertureEnd));
        Assert.Equal([new ApertureWindow(default, new Iova(uint.MaxValue), 0x1000)], domain.Windows);
        Assert.Equal(Status.OutOfRange, domain.Map(new Iova(0xFFFF_F000), default, 0x2000, Protection.Read));
        Assert.Equal(Status.OutOfRange, domain.Map(new Iova(1UL << 32), default, 0x1000, Protection.Read));
        Assert.Equal(Status.Ok, domain.Map(new Iova(0xFFE0_0000), default, 0x20_0000, Protection.Read));
        var table = ((PagingDomain<ArmLpaeFormat>)domain).Table;
        Assert.All(table.EnumerateMappings(), mapping => Assert.Equal(12, mapping.PageShift));

        using var second = _rich.CreateDomain(new DomainRequest(DomainType.Unmanaged) { Stage = TranslationStages.Second });
        Assert.Equal(9, ((PagingDomain<ArmLpaeFormat>)second).Table.Format.IndexBits(0));
    }

    [Fact]
    public void A_domain_of_tables_at_the_top_of_the_space_began_at_zero()
    {
        var format = new ArmLpaeFormat(new() { InputBits = 39, Upper = true });
        using var domain = new PagingDomain<ArmLpaeFormat>(DomainType.Dma, format, _memory);
        var start = ulong.MaxValue << 39;
        Assert.Equal((start, ulong.MaxValue), (domain.ApertureStart.Value, domain.ApertureEnd.Value));
        Assert.Equal(Status.Ok, domain.Map(domain.ApertureStart + 0x10_0000, default, 0x1000, Protection.Read));
        Assert.Equal(Status.OutOfRange, domain.Map(new Iova(start - 0x1000), default, 0x1000, Protection.Read));
        Assert.Equal(Status.Ok, domain.Map(new Iova(ulong.MaxValue - 0xFFF), default, 0x1000, Protection.Read));
    }

    [Fact]
    public void Units_of_different_kinds_are_refused_by_what_they_accept()
    {
        var device = new Device("both");
        var failure = Assert.Throws<ApertureException>(() => _core.Configure(
            device, [new IommuSpecifier(_rich.Device.Key, "rich", [1]), new IommuSpecifier(_plain.Device.Key, "plain", [1])]));
        Assert.Equal(Status.InvalidArgument, failure.Status);
        Assert.Contains("what rich makes plain cannot use", failure.Message, StringComparison.Ordinal);
        var a = Master("a", _plain, 1);
        using var alien = _rich.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => a.Iommu!.Group.Attach(alien)).Status);
        using var tracking = _rich.CreateDomain(new DomainRequest(DomainType.Unmanaged) { TracksDirty = true });
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() => a.Iommu!.Group.Attach(tracking)).Status);
    }

    [Fact]
    public void Written_pages_are_told_once_and_units_drop_them()
    {
        var a = Master("a", _rich, 1);
        var domain = a.Iommu!.CreateDomain(new DomainRequest(DomainType.Unmanaged) { TracksDirty = true });
        a.Iommu.Group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(new Iova(0x20_0000), new PhysicalAddress(FakeMemory.Base), 0x20_0000, Protection.ReadWrite));
        Assert.Equal(Status.Ok, domain.Map(new Iova(0x60_0000), new PhysicalAddress(FakeMemory.Base), 0x2000, Protection.ReadWrite));
        _rich.Invalidations.Clear();
        Assert.Equal(Status.Ok, domain.SetDirtyTracking(true));
        Assert.Contains(domain, _rich.Tracked);
        Assert.NotEmpty(_rich.Invalidations);

        // The hardware takes "read only" away (bit 7) where the modifier allows it.
        var table = ((PagingDomain<ArmLpaeFormat>)domain).Table;
        Write(table, 0x60_1000);
        var bits = new byte[0x70_0000 / 0x1000 / 8];
        var gather = default(InvalidationGather);
        var written = new DirtyBitmap(bits, default, 0x1000);
        Assert.Equal(Status.Ok, domain.ReadAndClearDirty(default, 0x70_0000, written, ref gather, clear: false));
        Assert.True(gather.IsEmpty);
        Assert.Equal([0x601], Pages(bits));
        Array.Clear(bits);
        Write(table, 0x20_0000);
        Assert.Equal(Status.Ok, domain.ReadAndClearDirty(default, 0x70_0000, written, ref gather));
        Assert.Equal([.. Enumerable.Range(0x200, 0x200), 0x601], Pages(bits));
        _rich.Invalidations.Clear();
        domain.Commit(ref gather);
        Assert.Equal([0x20_0000ul, 0x60_1000ul], _rich.Invalidations.Select(told => told.Range.Start.Value));
        Array.Clear(bits);
        Assert.Equal(Status.Ok, domain.ReadAndClearDirty(default, 0x70_0000, written, ref gather));
        Assert.Empty(Pages(bits));
        Assert.Equal(Status.OutOfRange, domain.ReadAndClearDirty(new Iova(1UL << 39), 0x1000, default, ref gather));
        _rich.Tracked.Clear();
        var b = Master("b", _rich, 2);
        b.Iommu!.Group.Attach(domain);
        Assert.Contains(domain, _rich.Tracked); // who comes later keeps account as well
        b.Iommu.Group.Detach(domain);
        Assert.Equal(Status.Ok, domain.SetDirtyTracking(false));
        Assert.Empty(_rich.Tracked);
        a.Iommu.Group.Detach(domain);
        domain.Dispose();
    }

    [Fact]
    public void A_guests_own_tables_lie_over_a_domain()
    {
        var a = Master("a", _rich, 1);
        using var parent = _rich.CreateDomain(new DomainRequest(DomainType.Unmanaged) { Stage = TranslationStages.Second });
        var request = new DomainRequest(DomainType.Nested, a) { Parent = parent, GuestTable = new ulong[] { 7, 8 } };
        var nested = (NestedDomain)_rich.CreateDomain(request);
        Assert.Equal([7ul, 8ul], nested.GuestTable.ToArray());
        a.Iommu!.Group.Attach(nested);
        Assert.Same(nested, _rich.Current[(1, 0)]);
        var commands = new byte[24];
        BitConverter.TryWriteBytes(commands, 0x5000ul);
        BitConverter.TryWriteBytes(commands.AsSpan(8), 0x5001ul);
        Assert.Equal((Status.InvalidArgument, 8), (nested.Invalidate(commands, out var done), done));
        Assert.Equal((nested, 0x5000ul), (_rich.Invalidations[^1].Domain, _rich.Invalidations[^1].Range.Start.Value));
        Assert.Equal(Status.InvalidArgument, nested.Map(default, default, 0x1000, Protection.Read));

        // What the parent loses the unit must drop as well, and the parent stays as long as it is needed.
        Assert.Equal(Status.Ok, parent.Map(new Iova(0x8000), default, 0x1000, Protection.Read));
        parent.Unmap(new Iova(0x8000), 0x1000);
        Assert.Equal((parent, 0x8000ul), (_rich.Invalidations[^1].Domain, _rich.Invalidations[^1].Range.Start.Value));
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(parent.Dispose).Status);
        a.Iommu.Group.Detach(nested);
        nested.Dispose();
        Assert.Empty(parent.Units);
    }

    [Fact]
    public void Windows_have_tables_and_page_sizes_of_their_own()
    {
        var a = Master("a", _rich, 1);
        var low = new ArmLpaeFormat(new() { InputBits = 32 });
        var high = new ArmLpaeFormat(new() { InputBits = 36, Upper = true, PageSizes = ArmLpaeOptions.Granule64K });
        var top = ulong.MaxValue << 36;
        var domain = new WindowedDomain<ArmLpaeFormat>(
            DomainType.Dma,
            [
                (new ApertureWindow(new Iova(0x8000_0000), new Iova(0x8FFF_FFFF), 0x1000, OutsideAccess.Passes), low),
                (new ApertureWindow(new Iova(top), new Iova(ulong.MaxValue), 0, OutsideAccess.Passes), high),
            ],
            _memory);
        Assert.Equal(0x2001_0000ul, domain.PageSizes); // from the size on that both have room for
        Assert.Equal((new Iova(0x8000_0000), new Iova(ulong.MaxValue)), (domain.ApertureStart, domain.ApertureEnd));
        Assert.Equal([0x1000ul, 0x2001_0000ul], domain.Windows.Select(window => window.PageSizes));

        Assert.Equal(Status.Ok, domain.Map(new Iova(0x8020_0000), new PhysicalAddress(FakeMemory.Base), 0x20_0000, Protection.Read));
        Assert.Equal(Status.Ok, domain.Map(new Iova(top), new PhysicalAddress(FakeMemory.Base), 0x2_0000, Protection.Read));
        Assert.Equal(Status.InvalidArgument, domain.Map(new Iova(top + 0x4_1000), default, 0x1000, Protection.Read));
        Assert.Equal(Status.OutOfRange, domain.Map(new Iova(0x8FFF_F000), default, 0x2000, Protection.Read));
        Assert.Equal(Status.OutOfRange, domain.Map(new Iova(0x1000_0000), default, 0x1000, Protection.Read));
        Assert.False(domain.IsInWindow(new Iova(0x9000_0000), 0x1000));
        Assert.True(domain.IsInWindow(new Iova(ulong.MaxValue - 0xFFF), 0x1000));
        Assert.All(domain.Tables[0].EnumerateMappings(), mapping => Assert.Equal(12, mapping.PageShift));
        Assert.True(domain.TryTranslate(new Iova(0x1234), out var outside));
        Assert.Equal(0x1234ul, outside.Value);
        Assert.False(domain.TryTranslate(new Iova(0x8000_0000), out _));

        // Both windows in one gather: each one's tables go back to it, and the unit hears of both.
        a.Iommu!.Group.Attach(domain);
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, domain.Unmap(new Iova(0x8020_0000), 0x20_0000, ref gather, out var unmapped));
        Assert.Equal(0x20_0000ul, unmapped);
        Assert.Equal(Status.Ok, domain.Unmap(new Iova(top), 0x2_0000, ref gather, out unmapped));
        Assert.Equal(0x2_0000ul, unmapped);
        Assert.Equal(Status.Ok, domain.Commit(ref gather));
        Assert.Equal([0x8020_0000ul, top], _rich.Invalidations.Where(told => told.Domain == domain).Select(told => told.Range.Start.Value));
        a.Iommu.Group.Detach(domain);
        domain.Dispose();
        Assert.Throws<ApertureException>(() => new WindowedDomain<ArmLpaeFormat>(DomainType.Dma, [], _memory));
        Assert.Throws<ApertureException>(() => new WindowedDomain<ArmLpaeFormat>(
            DomainType.Dma, [(new ApertureWindow(new Iova(0x8000_0000), new Iova(1UL << 32), 0), low)], _memory));
    }

    [Fact]
    public void Addresses_of_a_domain_of_windows_come_from_its_windows()
    {
        var format = new ArmLpaeFormat(new() { InputBits = 32 });
        using var domain = new WindowedDomain<ArmLpaeFormat>(
            DomainType.Dma,
            [
                (new ApertureWindow(new Iova(0x1000_0000), new Iova(0x1000_FFFF), 0), format),
                (new ApertureWindow(new Iova(0x2000_0000), new Iova(0x2000_FFFF), 0), format),
            ],
            _memory);
        var space = new Core.Addresses.IovaSpace(0x1000, domain.ApertureEnd);
        domain.Reserve(space);
        var given = new List<ulong>();
        while (space.TryAllocate(0x1000, new Iova(ulong.MaxValue), out var start))
            given.Add(start.Value);
        Assert.Equal(32, given.Distinct().Count());
        Assert.All(given, start => Assert.Equal(Status.Ok, domain.Map(new Iova(start), default, 0x1000, Protection.Read)));
    }

    private void Write(PageTable<ArmLpaeFormat> table, ulong iova)
    {
        var at = table.Root;
        for (var level = 0; ; level++)
        {
            var place = at + (((iova >> table.Format.Shift(level)) & ((1UL << table.Format.IndexBits(level)) - 1)) * 8);
            var word = _memory.Memory.Span(place, 8);
            var entry = BitConverter.ToUInt64(word);
            if (table.Format.Classify(level, entry) == EntryKind.Leaf)
            {
                BitConverter.TryWriteBytes(word, entry & ~(1UL << 7));
                return;
            }

            at = table.Format.TableAddress(level, entry);
        }
    }

    private static int[] Pages(byte[] bits) =>
        [.. Enumerable.Range(0, bits.Length * 8).Where(page => (bits[page / 8] >> (page % 8) & 1) != 0)];

    private sealed class ProcessTables : ISharedTables
    {
        public PhysicalAddress Root => new(FakeMemory.Base);

        public object Format => new ArmLpaeFormat(new());
    }
}
