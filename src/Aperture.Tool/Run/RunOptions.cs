using Aperture.Boards.Running;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;
using Aperture.Diagnostics;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Run;

/// <summary>What is asked of a run.</summary>
internal sealed record RunOptions
{
    /// <summary>The board; null for the default one.</summary>
    public string? Board { get; init; }

    /// <summary>Overlays that are put onto its tree.</summary>
    public IReadOnlyList<string> Overlays { get; init; } = [];

    /// <summary>The scenario; null for the first that the board can run.</summary>
    public string? Scenario { get; init; }

    /// <summary>What a workload's random choices come from; null for its default.</summary>
    public int? Seed { get; init; }

    /// <summary>How much a workload moves, as a size; null for its default.</summary>
    public string? Amount { get; init; }

    /// <summary>Whether one JSON object is printed.</summary>
    public bool IsJson { get; init; }

    /// <summary>The file for events; null for none.</summary>
    public string? Trace { get; init; }

    /// <summary>Whose names the events have.</summary>
    public TraceKernel Kernel { get; init; } = TraceKernel.Linux612;

    /// <summary>The file for the scenario's picture; null for none.</summary>
    public string? Picture { get; init; }

    /// <summary>RAM instead of the tree's; empty for the tree's.</summary>
    public IReadOnlyList<string> Memory { get; init; } = [];

    /// <summary>RAM as it was asked for: each a size, or a size and where it begins.</summary>
    /// <param name="tree">Where a size alone begins: at the tree's lowest RAM.</param>
    /// <returns>Null for the tree's own; sizes alone where the tree gives no RAM, so that the machine finds a place.</returns>
    /// <exception cref="ApertureException">It cannot be read.</exception>
    public (IReadOnlyList<MemoryRange>? Ranges, ulong? Size) RamOf(DeviceTree tree)
    {
        if (Memory.Count == 0)
            return (null, null);
        var ranges = new List<MemoryRange>();
        foreach (var text in Memory)
        {
            var at = text.IndexOf('@', StringComparison.Ordinal);
            var size = Bytes(at < 0 ? text : text[..at]);
            if (size is null or 0 || size % PhysicalMemory.PageSize != 0 || (at >= 0 && Bytes(text[(at + 1)..]) is null))
            {
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"--memory '{text}' is neither SIZE nor SIZE@START in whole pages of 0x{PhysicalMemory.PageSize:x} bytes, such as "
                        + "512M or 1G@0x80000000");
            }

            if (at >= 0)
                ranges.Add(new MemoryRange(new PhysicalAddress(Bytes(text[(at + 1)..])!.Value), size.Value));
            else if (Memory.Count > 1)
                throw new ApertureException(Status.InvalidArgument, $"--memory '{text}': of several, each says where it begins "
                    + "(SIZE@START)");
            else if (tree.Memory() is { IsEmpty: false } own)
                ranges.Add(new MemoryRange(own.MinBy(range => range.Start).Start.AlignDown(PhysicalMemory.PageSize), size.Value));
            else
                return (null, size);
        }

        return (ranges, null);
    }

    /// <summary>What is asked of the scenario beside its name.</summary>
    /// <param name="scenario">The scenario; null for the board's default.</param>
    /// <returns>Null where nothing is.</returns>
    /// <exception cref="ApertureException">It cannot be read, or the scenario is no workload.</exception>
    public WorkloadOptions? WorkloadOf(IScenario? scenario)
    {
        if (Seed is null && Amount is null)
            return null;
        if (scenario is not IWorkload)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"--seed and --bytes are of workloads, and scenario '{scenario?.Name ?? "(none named)"}' is none; "
                    + $"these are: {string.Join(", ", Scenarios.All.OfType<IWorkload>().Select(each => each.Name))}");
        }

        var usual = new WorkloadOptions();
        var bytes = Amount is null ? (ulong)usual.Bytes : Bytes(Amount);
        return bytes is > 0 and <= long.MaxValue
            ? new WorkloadOptions { Bytes = (long)bytes, Seed = Seed ?? usual.Seed }
            : throw new ApertureException(Status.InvalidArgument, $"--bytes '{Amount}' is no size, such as 64M or 1G");
    }

    private static ulong? Bytes(string text)
    {
        var shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        var digits = shift == 0 ? text : text[..^1];
        var isHex = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var style = isHex ? System.Globalization.NumberStyles.AllowHexSpecifier : System.Globalization.NumberStyles.None;
        return ulong.TryParse(isHex ? digits[2..] : digits, style, System.Globalization.CultureInfo.InvariantCulture, out var value)
            && value <= ulong.MaxValue >> shift ? value << shift : null;
    }
}
