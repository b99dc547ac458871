using System.Collections.Immutable;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.PageTables;
using Aperture.Iommu;
using Aperture.Iommu.Recorded;

namespace Aperture.Tests.Iommu.Recorded;

/// <summary>A domain that is recorded here and sent as calls, with spaces that fail at any call.</summary>
#pragma warning disable CA1001 // how the domain ends is part of the tests
public sealed class RecordedDomainTests
#pragma warning restore CA1001
{
    private readonly List<RecordedMapping> _held = [];
    private readonly FakeSpace _first;
    private readonly FakeSpace _second;
    private readonly FakeDomain _domain;
    private int _calls;
    private int _failsAt = int.MaxValue; // which call of a space fails; those behind it do as well, so long as _failures says
    private int _failures;

    public RecordedDomainTests()
    {
        _first = new FakeSpace("first", MayFail);
        _second = new FakeSpace("second", MayFail);
        _domain = new FakeDomain(_first, _held);
        Assert.Equal(Status.Ok, _domain.Join(_first));
        Assert.Equal(Status.Ok, _domain.Join(_second));
    }

    [Fact]
    public void Everything_is_in_every_space()
    {
        Assert.Equal(Status.Ok, Map(0x1000, 0x3000));
        Assert.Equal(0x1000UL, _domain.Unmap(new(0x2000), 0x1000));
        Assert.Equal([0x1000UL, 0x3000UL], _first.Mappings.Keys);
        Assert.Equal(_first.Mappings, _second.Mappings);
        Assert.Equal(2, _domain.Count);
        AssertHeld();
    }

    [Fact]
    public void Spaces_without_a_common_range_were_an_exception_of_an_index()
    {
        var domain = new FakeDomain(_first, _held);
        Assert.Equal(Status.Ok, domain.Join(new FakeSpace("low", MayFail) { Given = [new(default, new(0xFFFF))] }));
        Assert.Equal(Status.OutOfRange, domain.Join(new FakeSpace("high", MayFail) { Given = [new(new(0x10000), new(0x1FFFF))] }));
        Assert.Equal(0xFFFFUL, domain.ApertureEnd.Value); // the second is not in force
        Assert.Equal(Status.Ok, domain.Map(new(0x1000), new(0x7000_0000), 0x1000, Protection.Read));
        var nothing = new FakeDomain(new FakeSpace("nothing", MayFail) { Given = [] }, _held);
        Assert.Equal(Status.OutOfRange, nothing.Join(new FakeSpace("nothing", MayFail) { Given = [] }));
        Assert.Equal("nothing can map no device address at all", nothing.Explain(Status.OutOfRange));
        Assert.Empty(nothing.ReservedRanges);
        Assert.Empty(nothing.Windows);
    }

    [Fact]
    public void What_all_spaces_can_map_are_the_windows()
    {
        var domain = new FakeDomain(_first, _held);
        domain.Join(new FakeSpace("holes", MayFail) { Given = [new(new(0x1000), new(0x7FFF)), new(new(0x10000), new(0xFFFFF))] });
        domain.Join(new FakeSpace("high", MayFail) { Given = [new(new(0x4000), new(0xFFFF_FFFF))] });
        Assert.Equal(
            [(0x4000UL, 0x7FFFUL), (0x10000UL, 0xFFFFFUL)], domain.Windows.Select(window => (window.First.Value, window.Last.Value)));
        Assert.Equal([(new Iova(0x8000), new Iova(0xFFFF))], domain.ReservedRanges);
    }

    [Fact]
    public void A_space_that_fails_to_let_go_keeps_the_memory_until_it_does_or_ends()
    {
        Map(0x1000, 0x1000);
        Fail(1, times: 1);
        Assert.Equal(Status.IoError, _domain.Leave(_second));
        Assert.True(_second.HasLeftovers);
        Assert.Equal(0x1000UL, _domain.Unmap(new(0x1000), 0x1000));
        AssertHeld(); // the first let go, the second did not
        Assert.Single(_held);
        Assert.Equal(Status.Ok, _domain.Leave(_first));
        _domain.Dispose();
        Assert.Single(_held);
        _second.Dispose();
        Assert.Empty(_held);
    }

    [Fact]
    public void A_space_with_leftovers_takes_no_domain_before_they_are_gone()
    {
        Map(0x1000, 0x1000);
        Fail(1, times: 2);
        Assert.Equal(Status.IoError, _domain.Leave(_second));
        Assert.Equal(Status.IoError, _domain.Join(_second));
        Assert.Equal(Status.Ok, _domain.Join(_second));
        Assert.False(_second.HasLeftovers);
        Assert.Equal(_first.Mappings, _second.Mappings);
        Assert.Single(_held);
    }

    [Fact]
    public void An_unmap_that_fails_in_one_space_leaves_the_mapping_in_all_and_can_be_tried_again()
    {
        Map(0x1000, 0x1000);
        Fail(2, times: 1);
        var gather = default(InvalidationGather);
        Assert.Equal(Status.IoError, _domain.Unmap(new(0x1000), 0x1000, ref gather, out var unmapped));
        Assert.Equal(0UL, unmapped);
        Assert.Equal(_first.Mappings, _second.Mappings);
        Assert.Equal(0x1000UL, _domain.Unmap(new(0x1000), 0x1000));
        Assert.Empty(_first.Mappings);
        Assert.Empty(_held);
    }

    [Fact]
    public void A_mapping_that_could_not_come_back_does_not_keep_its_address_for_good()
    {
        Map(0x1000, 0x1000);
        Fail(2, times: 2); // the second does not remove it, the first does not take it back
        var gather = default(InvalidationGather);
        Assert.Equal(Status.IoError, _domain.Unmap(new(0x1000), 0x1000, ref gather, out _));
        Assert.Equal(0x1000UL, _domain.Unmap(new(0x1000), 0x1000));
        Assert.Equal(Status.Ok, Map(0x1000, 0x1000));
        Assert.Equal(_first.Mappings, _second.Mappings);
    }

    /// <summary>Whatever fails, and however often in a row: no space ever has a mapping whose memory is not held, and once the spaces have
    /// ended nothing is.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_failure_at_any_call_never_frees_memory_that_a_device_reaches(int times)
    {
        for (var at = 1; ; at++)
        {
            var run = new RecordedDomainTests();
            if (!run.Run(at, times))
                break;
        }
    }

    private bool Run(int at, int times)
    {
        var third = new FakeSpace("third", MayFail);
        Fail(at, times);
        Action[] steps =
        [
            () => Map(0x1000, 0x4000),
            () => Map(0x5000, 0x1000),
            () => Map(0x9000, 0x2000),
            () => _domain.Unmap(new(0x2000), 0x1000), // cuts
            () => _domain.Join(third),
            () => _domain.Unmap(new(0x3000), 0x3000), // a run
            () => Map(0x3000, 0x1000),
            () => _domain.Leave(_first),
            () => _domain.Join(_first),
            () => _domain.Unmap(new(0), 0x10000),
            () => _domain.Unmap(new(0x9000), 0x2000),
            () => Map(0x9000, 0x1000),
            () => _domain.Leave(_second),
            () => _domain.Leave(third),
            () => _domain.Leave(_first),
        ];
        foreach (var step in steps)
        {
            step();
            AssertHeld();
            foreach (var space in new[] { _first, _second, third })
                AssertHas(space);
        }

        _domain.Dispose();
        AssertHeld();
        foreach (var space in new[] { _first, _second, third })
        {
            AssertHas(space);
            space.Dispose();
        }

        Assert.Empty(_held);
        return _calls >= at;
    }

    /// <summary>What the domain says is mapped is held.</summary>
    private void AssertHeld()
    {
        for (var page = 0x1000UL; page < 0xC000; page += 0x1000)
        {
            if (_domain.TryTranslate(new(page), out var address))
                Assert.Contains(_held, mapping => Reaches(mapping, page, address.Value));
        }
    }

    /// <summary>What a space has is held.</summary>
    private void AssertHas(FakeSpace space)
    {
        foreach (var mapping in space.Mappings.Values)
        {
            for (var offset = 0UL; offset < mapping.Size; offset += 0x1000)
                Assert.Contains(_held, held => Reaches(held, mapping.Start + offset, mapping.Address + offset));
        }
    }

    private static bool Reaches(RecordedMapping mapping, ulong page, ulong address) =>
        mapping.Start <= page && page <= mapping.Last && mapping.Address + (page - mapping.Start) == address;

    private void Fail(int at, int times) => (_failsAt, _failures) = (_calls + at, times);

    private bool MayFail()
    {
        if (++_calls < _failsAt || _failures == 0)
            return false;
        _failures--;
        return true;
    }

    private Status Map(ulong iova, ulong size) => _domain.Map(new(iova), new(0x7000_0000 + iova), size, Protection.ReadWrite);

    private sealed class FakeDomain(RecordedSpace like, List<RecordedMapping> held) : RecordedDomain(DomainType.Unmanaged, like, null)
    {
        protected internal override void Hold(in RecordedMapping mapping) => held.Add(mapping);

        protected internal override void Release(in RecordedMapping mapping) => Assert.True(held.Remove(mapping), $"{mapping} was held");
    }

    private sealed class FakeSpace(string name, Func<bool> fails) : RecordedSpace
    {
        public SortedDictionary<ulong, RecordedMapping> Mappings { get; } = [];

        public ImmutableArray<IovaRange> Given { get; init; } = [new(default, new(0xFFFF_FFFF))];

        public override string Name => name;

        public override ulong PageSizes => 0x1000;

        public override ImmutableArray<IovaRange> Ranges => Given;

        protected override Status MapCore(Iova iova, PhysicalAddress address, ulong size, Protection protection)
        {
            if (fails())
                return Status.NoMemory;
            var last = iova.Value + (size - 1);
            if (Mappings.Values.Any(other => other.Start <= last && iova.Value <= other.Last))
                return Status.AlreadyExists;
            Mappings.Add(iova.Value, new RecordedMapping(iova.Value, size, address.Value, protection));
            return Status.Ok;
        }

        protected override Status UnmapCore(Iova iova, ulong size)
        {
            if (fails())
                return Status.IoError;
            var last = iova.Value + (size - 1);
            var touched = Mappings.Values.Where(other => other.Start <= last && iova.Value <= other.Last).ToArray();
            if (touched.Any(other => other.Start < iova.Value || other.Last > last))
                return Status.InvalidArgument;
            foreach (var mapping in touched)
                Mappings.Remove(mapping.Start);
            return touched.Sum(other => (long)other.Size) == (long)size ? Status.Ok : Status.NotFound;
        }

        protected override Status UnmapAllCore()
        {
            if (fails())
                return Status.IoError;
            Mappings.Clear();
            return Status.Ok;
        }

        protected override void Dispose(bool disposing) => Mappings.Clear();
    }
}
