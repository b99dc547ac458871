using System.Diagnostics.CodeAnalysis;

namespace Aperture.Hardware.Pci;

/// <summary>Who answers where below a host, at one moment. Where several do, the one that comes first on the way down does: software that
/// lets windows overlap hears of one of them.</summary>
internal sealed class PciRoutes
{
    private readonly PciClaim[] _claims;
    private readonly bool _isOverlapping; // the claims are in order of precedence; else in order of address

    private PciRoutes(List<PciClaim> claims)
    {
        PciClaim[] sorted = [.. claims.OrderBy(claim => claim.First)];
        for (var i = 1; i < sorted.Length; i++)
            _isOverlapping |= sorted[i].First <= sorted[i - 1].Last;
        _claims = _isOverlapping ? [.. claims] : sorted;
    }

    public static PciRoutes Empty { get; } = new([]);

    /// <summary>What is answered from a bus on downwards.</summary>
    public static PciRoutes Of(PciBus root) => new([.. root.Functions.SelectMany(Claims)]);

    /// <summary>What a function answers, and what is behind it.</summary>
    public static IEnumerable<PciClaim> Claims(PciFunction function)
    {
        foreach (var claim in function.Claims())
            yield return claim;
        if (function is not PciBridge { PassesDown: true } bridge)
            yield break;
        var windows = bridge.Windows().ToArray();
        if (windows.Length == 0)
            yield break;
        foreach (var claim in bridge.Secondary.Functions.SelectMany(Claims))
        {
            foreach (var (first, last) in windows)
            {
                if (claim.TryCut(first, last, out var cut))
                    yield return cut;
            }
        }
    }

    /// <summary>Who answers an access.</summary>
    public bool TryFind(ulong address, int length, [NotNullWhen(true)] out PciBar? bar, out ulong offset)
    {
        var index = _isOverlapping ? SearchInOrder(address) : Search(address);
        bar = null;
        offset = 0;
        if (index < 0 || (ulong)(length - 1) > _claims[index].Last - address)
            return false;
        bar = _claims[index].Bar;
        offset = address - _claims[index].Start;
        return true;
    }

    private int SearchInOrder(ulong address)
    {
        for (var i = 0; i < _claims.Length; i++)
        {
            if (address >= _claims[i].First && address <= _claims[i].Last)
                return i;
        }

        return -1;
    }

    private int Search(ulong address)
    {
        int low = 0, high = _claims.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (address < _claims[middle].First)
                high = middle - 1;
            else if (address > _claims[middle].Last)
                low = middle + 1;
            else
                return middle;
        }

        return -1;
    }
}
