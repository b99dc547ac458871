using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.GuestTests;

/// <summary>Random operations against an oracle that knows for each page of device addresses which memory it leads to.</summary>
internal static class OracleTests
{
    private const int Operations = 10_000;
    private const int ThoroughOperations = 100_000;
    private const int Spacing = 500; // one operation of so many is a transfer
    private const int Pages = 512;     // of device addresses, from Base on
    private const ulong Base = 0x0200_0000;

    public static void Random_maps_unmaps_and_transfers(Guest guest)
    {
        const int Seed = 42;
        var operations = guest.IsThorough ? ThoroughOperations : Operations;
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        using var domain = edu.Device.Iommu!.Ports[0].Unit.CreateDomain(DomainType.Unmanaged);
        var scratch = edu.Device.Dma.Memory.Allocate(4096);
        edu.Device.Iommu.Group.Replace(domain);
        var scratchAt = new Iova(0x0100_0000);
        Check.Equal(Status.Ok, domain.Map(scratchAt, scratch.Address, 4096, Protection.ReadWrite));

        var random = new Random(Seed);
        var memory = machine.Memory.Allocate(Pages * 4096);
        random.NextBytes(memory.Span);
        var oracle = new (int Page, Protection Rights)?[Pages];
        var transfers = 0;
        try
        {
            for (var step = 0; step < operations; step++)
            {
                var what = $"seed {Seed}, operation {step}";
                var first = random.Next(Pages);
                var count = Math.Min(random.Next(1, 17), Pages - first);
                if (step % Spacing == 0)
                {
                    transfers++;
                    Transfer(first, random.Next(4096 / 8) * 8 % 2048, random.Next(2) == 0, what);
                }
                else if (random.Next(2) == 0)
                {
                    Map(first, count, what);
                }
                else
                {
                    Unmap(first, count, what);
                }
            }

            Check.Equal(operations / Spacing, transfers);
        }
        finally
        {
            edu.Device.Iommu.Group.Detach(domain);
        }

        void Map(int first, int count, string what)
        {
            var page = random.Next(Pages - count + 1);
            var rights = (Protection)random.Next(1, 4);
            var expected = oracle.AsSpan(first, count).ContainsAnyExcept(((int, Protection)?)null) ? Status.AlreadyExists : Status.Ok;
            Check.Equal(expected, domain.Map(At(first), memory.Address + ((ulong)page << 12), (ulong)count << 12, rights), what);
            for (var i = 0; expected == Status.Ok && i < count; i++)
                oracle[first + i] = (page + i, rights);
        }

        void Unmap(int first, int count, string what)
        {
            var run = 0;
            while (run < count && oracle[first + run] is not null)
                oracle[first + run++] = null;
            Check.Equal((ulong)run << 12, domain.Unmap(At(first), (ulong)count << 12), what);
        }

        void Transfer(int page, int offset, bool isWrite, string what)
        {
            const int Length = 512;
            var target = oracle[page];
            what += $", {(isWrite ? "write" : "read")} at {At(page) + (ulong)offset}, mapped {target?.Rights.ToString() ?? "not at all"}";
            var bytes = new byte[Length];
            random.NextBytes(bytes);
            Check.Equal(target is not null, domain.TryTranslate(At(page), out var address), what);
            Check.Equal(target is null ? default : memory.Address + ((ulong)target.Value.Page << 12), address, what);
            if (isWrite)
            {
                bytes.CopyTo(scratch.Span);
                edu.Load(scratchAt, 0, Length);
                var before = memory.Span.ToArray();
                if (target is { Rights: var rights } && (rights & Protection.Write) != 0)
                    bytes.CopyTo(before, (target.Value.Page << 12) + offset);
                edu.Store(0, At(page) + (ulong)offset, Length);
                Check.That(memory.Span.SequenceEqual(before), what);
                return;
            }

            scratch.Span.Fill(0xEE);
            edu.Load(At(page) + (ulong)offset, 0, Length);
            edu.Store(0, scratchAt, Length);
            var seen = scratch.Span[..Length];
            var there = target is null ? default : memory.Span.Slice((target.Value.Page << 12) + offset, Length);
            var readers = guest.ReadsWhatItMayWrite ? Protection.ReadWrite : Protection.Read;
            var isAllowed = target is { Rights: var right } && (right & readers) != 0;
            Check.That(isAllowed ? seen.SequenceEqual(there) : !seen.SequenceEqual(there),
                $"{what}; seen {Convert.ToHexString(seen[..8])}, there {(there.IsEmpty ? "nothing" : Convert.ToHexString(there[..8]))}");
        }
    }

    private static Iova At(int page) => new(Base + ((ulong)page << 12));
}
