using Aperture.Datasheets.Pci;
using Aperture.DeviceTrees;

namespace Aperture.Drivers.Pci;

/// <summary>Gives BARs and bridges' windows their addresses.</summary>
/// <remarks>The largest first, so that nothing lies between but what alignment asks for. Behind a bridge a prefetchable BAR of 64 bits goes
/// into its prefetchable window, everything else into the other. Equal hosts get equal addresses.</remarks>
internal sealed class PciResources
{
    private readonly IReadOnlyList<PciRange> _windows;
    private readonly ulong[] _next; // in each window, where there is room
    private readonly List<string> _problems;

    private PciResources(IReadOnlyList<PciRange> windows, List<string> problems)
    {
        _windows = windows;
        _next = [.. windows.Select(window => Math.Max(window.First, BridgeRegisters.WindowGrain))]; // nothing is put at 0
        _problems = problems;
    }

    /// <summary>Sizes the BARs and gives all their addresses.</summary>
    /// <param name="functions">What is there.</param>
    /// <param name="windows">Where there is room.</param>
    /// <param name="problems">Gets a line for each that has no room.</param>
    public static void Assign(IReadOnlyList<PciFunctionInfo> functions, IReadOnlyList<PciRange> windows, List<string> problems)
    {
        var resources = new PciResources(windows, problems);
        foreach (var function in functions)
        {
            var count = function.IsBridge ? BridgeRegisters.Bars : PciRegisters.Bars;
            function.Bars = Size(function, PciRegisters.Bar0, count);
            if (function.TotalVirtual > 0)
                function.VirtualBars = Size(function, function.SriovCapability + SriovRegisters.Bar0, PciRegisters.Bars);
        }

        PciFunctionInfo[] root = [.. functions.Where(function => function.Bridge is null)];
        foreach (var isWide in new[] { true, false })
        {
            foreach (var request in Sorted(Requests(root, isWide)))
                resources.Place(request, isWide);
        }
    }

    /// <summary>The BARs of a function, by what they read as when ones were written.</summary>
    private static List<PciBarInfo> Size(PciFunctionInfo function, uint first, int count)
    {
        var registers = function.Configuration;
        var bars = new List<PciBarInfo>();
        for (var number = 0; number < count; number++)
        {
            var at = first + (4 * (uint)number);
            registers.Write32(at, uint.MaxValue);
            var low = new BaseAddress(registers.Read32(at));
            registers.Write32(at, 0);
            if (low.Value == 0 || low.IsIo)
                continue; // I/O space stays off
            ulong mask = low.Address;
            if (low.IsWide && number + 1 < count)
            {
                registers.Write32(at + 4, uint.MaxValue);
                mask |= (ulong)registers.Read32(at + 4) << 32;
                registers.Write32(at + 4, 0);
            }
            else
            {
                mask |= 0xFFFF_FFFF_0000_0000;
            }

            bars.Add(new PciBarInfo(number, ~mask + 1, low.IsWide, low.IsPrefetchable) { Register = at });
            number += low.IsWide ? 1 : 0;
        }

        return bars;
    }

    private static List<Request> Requests(IEnumerable<PciFunctionInfo> functions, bool isWide)
    {
        var requests = new List<Request>();
        foreach (var function in functions)
        {
            foreach (var bar in function.Bars)
            {
                if ((bar.IsWide && bar.IsPrefetchable) == isWide)
                    requests.Add(new Request(function, bar.Size, bar.Size, address => Put(function, bar, address)) { Bar = bar });
            }

            foreach (var bar in function.VirtualBars.Where(bar => (bar.IsWide && bar.IsPrefetchable) == isWide))
            {
                var bytes = bar.Size * (ulong)function.TotalVirtual;
                requests.Add(new Request(function, bytes, bar.Size, address => Put(function, bar, address)) { Bar = bar });
            }

            if (function.IsBridge)
                requests.AddRange(Window(function, isWide));
        }

        return requests;
    }

    /// <summary>What a bridge asks for, for all that is behind it; nothing when nothing is.</summary>
    private static IEnumerable<Request> Window(PciFunctionInfo bridge, bool isWide)
    {
        Request[] inside = [.. Sorted(Requests(bridge.Children, isWide))];
        Close(bridge, isWide);
        if (inside.Length == 0)
            yield break;
        const ulong grain = BridgeRegisters.WindowGrain;
        var bytes = Align(Pack(inside, 0, null), grain);
        var alignment = Math.Max(grain, inside.Max(request => request.Alignment));
        yield return new Request(bridge, bytes, alignment, address =>
        {
            Open(bridge, isWide, address, address + (bytes - 1));
            Pack(inside, address, (request, at) => request.Put(at));
        })
        {
            Inside = inside,
        };
    }

    private static ulong Pack(IEnumerable<Request> requests, ulong start, Action<Request, ulong>? put)
    {
        var at = start;
        foreach (var request in requests)
        {
            at = Align(at, request.Alignment);
            put?.Invoke(request, at);
            at += request.Bytes;
        }

        return at - start;
    }

    private static IEnumerable<Request> Sorted(IEnumerable<Request> requests) =>
        requests.OrderByDescending(request => request.Alignment).ThenByDescending(request => request.Bytes)
            .ThenBy(request => request.Function.Address);

    private void Place(Request request, bool isWide)
    {
        // Wide ones may lie anywhere, the others below 4 GiB; wide ones take the wide windows first.
        foreach (var window in Enumerable.Range(0, _windows.Count).OrderByDescending(i => isWide && _windows[i].IsWide))
        {
            var at = Align(_next[window], request.Alignment);
            var last = isWide ? _windows[window].Last : Math.Min(_windows[window].Last, uint.MaxValue);
            if (at < _next[window] || at > last || request.Bytes - 1 > last - at)
                continue;
            request.Put(at);
            _next[window] = at + request.Bytes;
            return;
        }

        foreach (var (function, bar) in request.All())
            _problems.Add($"{function}: there is no room for BAR {bar.Number} of 0x{bar.Size:x} bytes");
    }

    private static void Put(PciFunctionInfo function, PciBarInfo bar, ulong address)
    {
        function.Configuration.Write32(bar.Register, (uint)address);
        if (bar.IsWide)
            function.Configuration.Write32(bar.Register + 4, (uint)(address >> 32));
        bar.Address = address;
    }

    private static void Open(PciFunctionInfo bridge, bool isWide, ulong first, ulong last)
    {
        var registers = bridge.Configuration;
        var (from, to) = isWide
            ? (BridgeRegisters.PrefetchableBase, BridgeRegisters.PrefetchableLimit)
            : (BridgeRegisters.MemoryBase, BridgeRegisters.MemoryLimit);
        registers.Write16(from, (ushort)(first >> 16 & BridgeRegisters.WindowMask));
        registers.Write16(to, (ushort)(last >> 16 & BridgeRegisters.WindowMask));
        if (!isWide)
            return;
        registers.Write32(BridgeRegisters.PrefetchableUpperBase, (uint)(first >> 32));
        registers.Write32(BridgeRegisters.PrefetchableUpperLimit, (uint)(last >> 32));
    }

    /// <summary>A window that passes nothing ends before it begins.</summary>
    private static void Close(PciFunctionInfo bridge, bool isWide) => Open(bridge, isWide, 0xFFF0_0000, 0);

    private static ulong Align(ulong address, ulong alignment) => (address + (alignment - 1)) & ~(alignment - 1);

    private sealed record Request(PciFunctionInfo Function, ulong Bytes, ulong Alignment, Action<ulong> Put)
    {
        public PciBarInfo? Bar { get; init; }

        public Request[] Inside { get; init; } = [];

        public IEnumerable<(PciFunctionInfo Function, PciBarInfo Bar)> All() =>
            Bar is null ? Inside.SelectMany(request => request.All()) : [(Function, Bar)];
    }
}
