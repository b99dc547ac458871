using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

// What an unmap that returned means, and one that did not: a fault at every register access of a sequence, and a look at what masters reach
// before anything else is done.
public abstract partial class IommuDriverTests
{
    private static readonly Iova s_base = new(0x3000_0000); // where nothing is on the bus, should an address pass unchanged

    public static TheoryData<string, string> Truths
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var operation in new[] { "unmap", "unmap nine", "unmap part", "unmap table", "map", "replace", "detach" })
            {
                foreach (var fault in new[] { "clock", "power", "dead", "once", "bug" })
                    cases.Add(operation, fault);
            }

            return cases;
        }
    }

    /// <summary>Before, a strict unmap behind a unit whose register access failed said Ok, and its master went on reaching the page as soon
    /// as the clock was back. Then it threw, and behind units that cannot cut their masters off the page was reached all the
    /// same.</summary>
    [Theory]
    [MemberData(nameof(Truths))]
    public void After_an_unmap_that_returned_or_threw_no_access_reaches_the_page_whichever_register_access_failed(
        string operation,
        string fault)
    {
        var (unit, master, first) = Ready();
        var second = unit.Unit.CreateDomain(DomainType.Unmanaged);
        var sizes = Sizes(first);
        long? used = null;
        var wasHit = true;
        for (var access = 1; wasHit; access++)
        {
            Assert.Same(first, master.Group.Domain);
            Map(first, s_base + (1UL << 21), 0); // a table for what is mapped later, where empty ones stay
            first.Unmap(s_base + (1UL << 21), Page);
            foreach (var (iova, data, size) in sizes)
            {
                Map(first, iova, data, size);
                master.Reaches(iova, _board.Data + data);
            }

            Assert.Equal(used ??= _board.Tables.BytesInUse, _board.Tables.BytesInUse);
            var failures = _board.Core.FailureCount;
            var removed = Removed(operation, sizes);
            wasHit = Strike(unit, access, fault, () => Run(operation, master, first, second, removed), out var error);

            // Nothing was done since: no power cycle, no other call.
            if (operation is "replace" or "detach" && error is not null)
                Assert.Equal(operation == "replace", master.Group.Domain == first);
            else
                CheckGone(master, first, removed, access);
            Assert.True(!wasHit || _board.Core.FailureCount > failures);
            Assert.True(error is null || _board.Core.Failures[^1].Unit == unit.Unit);

            // What is left is removed, too, and then the same holds.
            foreach (var piece in sizes)
                error = TryUnmap(first, piece) ?? error;
            CheckGone(master, first, sizes, access);

            if (operation is "unmap" && fault == "clock" && access == 1)
                Assert.Contains(unit.Device.Name, _board.Core.Failures[^1].ToString(), StringComparison.Ordinal);
            unit.Cycle(losesState: false);
            Assert.False(first.IsQuarantining || second.IsQuarantining);
            Assert.False(unit.Unit.NeedsReprogram);
            CheckGone(master, first, sizes, access);
            if (operation is "replace" or "detach")
            {
                master.Group.Replace(second); // the group may be in its domain by name only: blocked, after a failure
                master.Group.Replace(first);
            }

            unit.Cycle(losesState: false); // after refused accesses
        }

        master.Group.Detach(first);
        first.Dispose();
        second.Dispose();
        unit.Off();
        _board.Core.Release(master.Device);
    }

    /// <summary>Pieces of all sizes that the domain has, but at most 1 MiB, far from each other.</summary>
    private static List<(Iova Iova, ulong Data, ulong Size)> Sizes(IommuDomain domain)
    {
        var pieces = new List<(Iova, ulong, ulong)>();
        for (var i = 0; i < 9; i++)
        {
            var size = i == 0 ? Page : (i % 3) switch { 0 => Page, 1 => 1UL << 16, _ => 1UL << 20 };
            if ((domain.PageSizes & size) == 0)
                size = Page;
            pieces.Add((s_base + ((ulong)i << 22), (ulong)i << 20, size));
        }

        return pieces;
    }

    private static List<(Iova Iova, ulong Data, ulong Size)> Removed(string operation, List<(Iova Iova, ulong Data, ulong Size)> all) =>
        operation switch
        {
            "unmap" => [all[0]],
            "unmap part" => [(all[2].Iova, all[2].Data, Page)],
            "unmap table" => [all[2], all[5]],
            "map" => [(s_base + (1UL << 21), 3UL << 18, Page)],
            _ => all,
        };

    private void Run(
        string operation,
        MasterOnBoard master,
        IommuDomain first,
        IommuDomain second,
        List<(Iova Iova, ulong Data, ulong Size)> removed)
    {
        switch (operation)
        {
            case "replace":
                master.Group.Replace(second);
                return;
            case "detach":
                master.Group.Detach(first);
                return;
            case "map":
                if (first.Map(removed[0].Iova, _board.Data + removed[0].Data, Page, Protection.ReadWrite) is not Status.Ok and var status)
                    throw new ApertureException(status, "the map failed");
                first.Unmap(removed[0].Iova, Page);
                return;
        }

        var gather = default(InvalidationGather);
        foreach (var (iova, _, size) in removed)
            first.Unmap(iova, size, ref gather, out _);
        if (first.Commit(ref gather) is not Status.Ok and var told)
            throw new ApertureException(told, "the commit failed");
        Assert.True(gather.IsEmpty);
    }

    private static ApertureException? TryUnmap(IommuDomain domain, (Iova Iova, ulong Data, ulong Size) piece)
    {
        // Part of it may be gone.
        for (ulong done = 0; done < piece.Size; done += Page)
        {
            if (!domain.TryTranslate(piece.Iova + done, out _))
                continue;
            try
            {
                domain.Unmap(piece.Iova + done, piece.Size - done);
                break;
            }
            catch (ApertureException e)
            {
                return e;
            }
        }

        return null;
    }

    /// <summary>No access reaches memory that was unmapped, whether the unmap returned or threw. Another piece comes first each turn:
    /// behind a unit that holds a refused access back nothing comes through.</summary>
    private void CheckGone(
        MasterOnBoard master,
        IommuDomain domain,
        List<(Iova Iova, ulong Data, ulong Size)> removed,
        int turn)
    {
        for (var i = 0; i < removed.Count; i++)
        {
            var (iova, data, size) = removed[(i + turn) % removed.Count];
            foreach (var offset in turn % 2 == 0 ? new[] { 0UL, size - Page } : [size - Page, 0UL])
            {
                Assert.False(
                    !domain.TryTranslate(iova + offset, out _) && IsReached(master, iova + offset, _board.Data + data + offset),
                    $"{iova + offset} is reached after its unmap");
            }
        }
    }

    /// <summary>Whether any port reads or writes the memory at an address.</summary>
    private bool IsReached(MasterOnBoard master, Iova iova, PhysicalAddress address)
    {
        var isReached = false;
        for (var port = 0; port < master.Ports.Length; port++)
        {
            var stamp = 0x5A5A_0000_1234_0000UL | (uint)port;
            Store(address, stamp);
            isReached |= master.TryRead(iova, out var read, port) == DmaStatus.Ok && read == stamp;
            master.TryWrite(iova, ~stamp, port);
            isReached |= Load(address) != stamp;
        }

        return isReached;
    }

    private void Store(PhysicalAddress address, ulong value)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(_board.Memory.Span(address, 8), value);
        _board.Memory.Cache?.Clean(address, 8);
    }

    private ulong Load(PhysicalAddress address)
    {
        _board.Memory.Cache?.CleanInvalidate(address, 8);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(_board.Memory.Span(address, 8));
    }

    /// <summary>Runs an operation with a fault at its register access of this number: clock or power go and come back when the operation is
    /// over, nothing is answered from there on until then, one access is not answered, or the driver itself throws something.</summary>
    /// <returns>Whether it came to that.</returns>
    private static bool Strike(UnitOnBoard unit, int access, string fault, Action operation, out ApertureException? error)
    {
        var left = access;
        error = null;
        unit.Registers.Before = () =>
        {
            if (--left != 0)
                return;
            switch (fault)
            {
                case "clock":
                    unit.Model.IsClocked = false;
                    break;
                case "power":
                    unit.Model.SetPower(false);
                    break;
                case "dead":
                    unit.Registers.IsDead = true;
                    break;
                case "once":
                    throw new BusErrorException(unit.Registers.Name, 0, true);
                default:
                    throw new InvalidOperationException("a bug of the driver");
            }
        };
        try
        {
            operation();
        }
        catch (ApertureException e)
        {
            error = e;
        }

        unit.Registers.Before = null;
        unit.Registers.IsDead = false;
        unit.Model.IsClocked = true;
        unit.Model.SetPower(true);
        return left <= 0;
    }
}
