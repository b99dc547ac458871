using System.Runtime.CompilerServices;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <content>Who is translated and by which address space.</content>
public sealed partial class TegraSmmu
{
    private const string AhbSwgroup = "ppcs"; // masters on the AHB (inferred)
    private const int PassesThrough = -1;
    private const int IsHeld = -2;

    private readonly Way[] _ways;                                          // each stream and direction that there is
    private readonly int[] _routes = new int[2 * 2 * FirstClientStream];   // address space by stream and direction, or a constant above
    private bool _isAhbReady = true;                                       // whether masters on the AHB use the SMMU

    /// <summary>Whether the AHB arbiter was told that the SMMU is set up; until then it lets masters on the AHB pass it by. True, the
    /// default, where there is no arbiter.</summary>
    public bool IsAhbReady
    {
        get => _isAhbReady;
        set
        {
            using (HoldRegisters())
            {
                _isAhbReady = value;
                Refresh();
            }
        }
    }

    /// <summary>Looks at the arbiter under the unit's lock: of several threads that change it the last to look finds what holds.</summary>
    internal void Follow(TegraAhb arbiter)
    {
        using (HoldRegisters())
        {
            _isAhbReady = arbiter.IsReady;
            Refresh();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RouteOf(in BusRequest request)
    {
        var index = IndexOf(request.Stream.Value, request.IsWrite);
        return index < (uint)_routes.Length ? _routes[index] : PassesThrough;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint IndexOf(uint stream, bool isWrite) => (stream << 1) | (isWrite ? 1u : 0);

    private static Way[] WaysOf(TegraSoc soc)
    {
        var ways = new List<Way>();
        foreach (var isWrite in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (var client in soc.Clients)
                ways.Add(WayOf(soc, FirstClientStream + client.Id, isWrite, client, client.Swgroup));
            foreach (var swgroup in soc.Swgroups)
                ways.Add(WayOf(soc, swgroup.Id, isWrite, soc.FindClient(swgroup.Id, isWrite), swgroup.Id));
        }

        return [.. ways];
    }

    private static Way WayOf(TegraSoc soc, uint stream, bool isWrite, TegraClient? client, uint swgroup)
    {
        var known = soc.FindSwgroup(swgroup);
        var asidRegister = client?.CanTranslate == false ? 0 : known?.AsidRegister ?? 0;
        var (enableRegister, enableBit) = (client?.EnableRegister ?? 0, client?.EnableBit ?? 0);
        return new Way(IndexOf(stream, isWrite), swgroup, asidRegister, enableRegister, enableBit, known?.Name == AhbSwgroup);
    }

    /// <summary>The client that makes an access; all ones for one that no table lists.</summary>
    private uint ClientOf(in BusRequest request) => request.Stream.Value >= FirstClientStream
        ? request.Stream.Value - FirstClientStream
        : _soc.FindClient(request.Stream.Value, request.IsWrite)?.Id ?? uint.MaxValue;

    /// <summary>Follows the registers that decide about clients and caches, and the interrupt line.</summary>
    private void Refresh()
    {
        var ptc = new TegraPtcConfig(this[TegraMcRegister.PtcConfig]);
        _ptcIndexMap = ptc.IndexMap;
        _usesPtc = ptc.IsEnabled;
        SetLines(new TegraTlbConfig(this[TegraMcRegister.TlbConfig]).Lines(_soc));
        var isHeld = false;
        foreach (ref readonly var way in _ways.AsSpan())
        {
            // Accesses go on meanwhile: each route goes from what it was to what it is.
            var route = RouteOf(way);
            isHeld |= route == IsHeld;
            if (_routes[way.Index] == route)
                continue;
            _routes[way.Index] = route;
            var (read, write) = (_routes[way.Index & ~1u], _routes[way.Index | 1]);
            SetRoute((int)(way.Index >> 1), read == write && read >= 0 ? new QuickRoute(_tlb, (uint)read) : default);
            EndAccesses();
        }

        NoteStall(isHeld);
        RefreshInterrupt();
    }

    private int RouteOf(in Way way)
    {
        if (IsInHotReset(way.Swgroup))
            return IsHeld;
        var isTranslated = (this[TegraMcRegister.Config] & TegraMcRegister.ConfigEnable) != 0
            && way.AsidRegister != 0
            && (way.EnableBit == 0 || (this[way.EnableRegister] & way.EnableBit) != 0)
            && (_isAhbReady || !way.IsOnAhb);
        var asid = new TegraSwgroupAsid(this[way.AsidRegister]);
        return isTranslated && asid.IsEnabled ? (int)(asid.Asid & _asidMask) : PassesThrough;
    }

    /// <param name="Index">Its place in the routes.</param>
    /// <param name="Swgroup">The number of its swgroup.</param>
    /// <param name="AsidRegister">The register of its swgroup; 0 where it cannot be translated.</param>
    /// <param name="EnableRegister">The register with its enable bit.</param>
    /// <param name="EnableBit">Its enable bit; 0 for a swgroup without a known client, which its own register alone enables
    /// (inferred).</param>
    /// <param name="IsOnAhb">Whether it needs the AHB arbiter's leave.</param>
    private readonly record struct Way(uint Index, uint Swgroup, uint AsidRegister, uint EnableRegister, uint EnableBit, bool IsOnAhb);
}
