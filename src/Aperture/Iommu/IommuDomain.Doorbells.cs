using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.PageTables;

namespace Aperture.Iommu;

// Pages to which masters in the domain write message-signalled interrupts, which are writes like any other for their unit: each is mapped
// once, whoever asks.
public abstract partial class IommuDomain
{
    private Dictionary<PhysicalAddress, Doorbell>? _doorbells; // by page; under the domain's own lock

    /// <summary>Maps the page of a doorbell, unless it is.</summary>
    /// <param name="page">A multiple of the smallest page size.</param>
    /// <param name="windows">Where software may put doorbells, if the DMA API gives out no device addresses here.</param>
    /// <param name="iova">Where the page is.</param>
    /// <returns><see cref="Status.NotSupported"/>: there is no place for doorbells; <see cref="Status.NoSpace"/>: there is none left; or
    /// what <see cref="Map(Iova, PhysicalAddress, ulong, Protection)"/> said.</returns>
    internal Status MapDoorbell(PhysicalAddress page, IEnumerable<(Iova First, Iova Last)> windows, out Iova iova)
    {
        var size = 1UL << BitOperations.TrailingZeroCount(PageSizes);
        lock (this)
        {
            _doorbells ??= [];
            if (_doorbells.TryGetValue(page, out var known))
            {
                _doorbells[page] = known with { Users = known.Users + 1 };
                iova = known.Address;
                return Status.Ok;
            }

            var status = TryFindPlace(size, windows, out iova, out var from);
            if (status != Status.Ok)
                return status;
            status = Map(iova, page, size, Protection.Write | Protection.Mmio);
            if (status == Status.Ok)
                _doorbells.Add(page, new Doorbell(iova, from, 1));
            else
                from?.Free(iova, size);
            return status;
        }
    }

    /// <summary>Lets a doorbell go that <see cref="MapDoorbell"/> mapped. Of a domain that was disposed nothing is left to unmap.</summary>
    internal void UnmapDoorbell(PhysicalAddress page)
    {
        var size = 1UL << BitOperations.TrailingZeroCount(PageSizes);
        var gather = new InvalidationGather();
        Doorbell known;
        lock (this)
        {
            if (_doorbells is null || !_doorbells.TryGetValue(page, out known))
                return;
            if (known.Users > 1)
            {
                _doorbells[page] = known with { Users = known.Users - 1 };
                return;
            }

            _doorbells.Remove(page);
            Unmap(known.Address, size, ref gather, out _);
        }

        var status = Commit(ref gather);
        if (known.From is { } space)
            WhenInvalidated(() => space.Free(known.Address, size));
        if (status != Status.Ok)
            throw NotInvalidated(known.Address, size, status);
    }

    /// <summary>A place for one page: among the addresses that the DMA API gives out, below 4 GiB, as not all masters can name more in a
    /// message; else in a window where the owner of the domain has mapped nothing.</summary>
    private Status TryFindPlace(ulong size, IEnumerable<(Iova First, Iova Last)> windows, out Iova iova, out IovaSpace? from)
    {
        from = Space;
        if (from is not null)
            return from.TryAllocate(size, new Iova(uint.MaxValue), out iova) ? Status.Ok : Status.NoSpace;
        var status = Status.NotSupported;
        foreach (var (first, last) in windows)
        {
            status = Status.NoSpace;
            // The page behind the last of 64 bits is the first.
            for (iova = first.AlignUp(size); iova >= first && iova <= last && last.Value - iova.Value >= size - 1; iova += size)
            {
                if (IsInWindow(iova, size) && !TryTranslate(iova, out _))
                    return Status.Ok;
            }
        }

        iova = default;
        return status;
    }

    private readonly record struct Doorbell(Iova Address, IovaSpace? From, int Users);
}
