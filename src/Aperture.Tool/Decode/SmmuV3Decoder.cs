using System.Globalization;
using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Pci;
using Aperture.Datasheets.SmmuV3;

namespace Aperture.Tool.Decode;

/// <summary>Prints what the tables of an SMMUv3 in a dump say: entries of streams, contexts, and where addresses lead.</summary>
/// <param name="dump">The dump.</param>
/// <param name="output">Where it goes.</param>
internal sealed class SmmuV3Decoder(TableDump dump, TextWriter output)
{
    /// <summary>What such a dump calls its unit.</summary>
    public const string Unit = "smmuv3";

    private const ulong TableMask = 0x000F_FFFF_FFFF_FFC0;

    private readonly SmmuV3StreamTableConfig _config = new((uint)dump.Register("STRTAB_BASE_CFG"));
    private readonly ulong _table = dump.Register("STRTAB_BASE") & TableMask;
    private readonly int _outputBits = Math.Max(32, new SmmuV3AddressSizes((uint)dump.Register("IDR5")).OutputBits);

    /// <summary>Prints it.</summary>
    /// <param name="only">The stream to print; null for all.</param>
    /// <param name="iova">The address to walk to; null for all that is mapped.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: there is no such stream.</exception>
    public void Print(uint? only, ulong? iova)
    {
        var levels = _config.Format == 1 ? $"two levels, {_config.Split} bits in the second" : "one array";
        output.WriteLine(Text($"stream table at {Hex(_table)}: {_config.StreamBits} bits of stream, {levels}"));
        var isFound = false;
        var aborted = 0;
        foreach (var (stream, entry) in Entries())
        {
            if (only is { } wanted && wanted != stream)
                continue;
            isFound = true;
            if (only is null && entry.Config == SmmuV3StreamConfig.Abort)
                aborted++;
            else
                Print(stream, entry, iova);
        }

        if (!isFound && only is { } missing)
            throw new ApertureException(Status.NotFound, $"'{dump.Name}' has no valid entry of stream {Hex(missing)} ({NameOf(missing)})");
        if (aborted > 0)
            output.WriteLine(Text($"{aborted} streams are aborted"));
    }

    private IEnumerable<(uint Stream, SmmuV3StreamEntry Entry)> Entries()
    {
        if (_config.Format == 0)
            return EntriesOf(_table, 0, 1UL << _config.StreamBits);
        var split = _config.Split is 6 or 8 or 10 ? _config.Split : 6;
        return Enumerable.Range(0, 1 << Math.Max(0, _config.StreamBits - split)).SelectMany(place =>
            dump.TryRead(_table + ((ulong)place * SmmuV3StreamDirectoryEntry.Bytes), out var word)
            && new SmmuV3StreamDirectoryEntry(word) is { Span: > 0 } directory
                ? EntriesOf(directory.Table, (uint)place << split, 1UL << Math.Min(directory.Span - 1, split)) : []);
    }

    private IEnumerable<(uint Stream, SmmuV3StreamEntry Entry)> EntriesOf(ulong table, uint first, ulong count)
    {
        for (uint i = 0; i < count; i++)
        {
            if (TryReadWords(dump.TryRead, table + (i * (ulong)SmmuV3Words.Bytes), out var words)
                && new SmmuV3StreamEntry { Words = words } is { IsValid: true } entry)
                yield return (first + i, entry);
        }
    }

    private void Print(uint stream, in SmmuV3StreamEntry entry, ulong? iova)
    {
        var isFirst = entry.Config is SmmuV3StreamConfig.Stage1 or SmmuV3StreamConfig.Nested;
        var isSecond = entry.Config is SmmuV3StreamConfig.Stage2 or SmmuV3StreamConfig.Nested;
        var contexts = isFirst ? $", contexts at {Hex(entry.Contexts)}, {1 << entry.SubstreamBits} at most" : "";
        var machine = isSecond ? $", virtual machine {entry.Vmid}" : "";
        output.WriteLine(Text(
            $"stream {Hex(stream)} ({NameOf(stream)}): {NameOf(entry.Config)}{contexts}{machine}{(entry.Ats == 0 ? "" : ", ATS")}"));
        WordReader read = dump.TryRead;
        if (isSecond)
        {
            if (FormatOf(ArmLpaeKind.Stage2, entry.Stage2Size, entry.Stage2Granule, entry.Stage2OutputSize) is not { } format)
            {
                output.WriteLine("  stage 2: no such tables");
                return;
            }

            var second = new ArmTables(format, entry.Stage2Table, dump.TryRead);
            read = (ulong address, out ulong word) =>
            {
                word = 0;
                second.Walk(address, out var target);
                return target is { } place && dump.TryRead(place.Address, out word);
            };
            if (!isFirst)
            {
                Print(second, iova, Text($"  stage 2: {Shape(format, entry.Stage2Table)}"));
                return;
            }
        }

        if (isFirst)
            PrintContexts(entry, read, iova);
    }

    private void PrintContexts(SmmuV3StreamEntry entry, WordReader read, ulong? iova)
    {
        for (uint substream = 0; substream < 1u << entry.SubstreamBits; substream++)
        {
            if (!TryFindContext(entry, read, ref substream, out var at))
                continue;
            if (!TryReadWords(read, at, out var words))
            {
                if (substream == 0)
                    output.WriteLine(Text($"  context 0 at {Hex(at)} is not in the dump"));
                continue;
            }

            var descriptor = new SmmuV3ContextDescriptor { Words = words };
            if (!descriptor.IsValid)
                continue;
            for (var half = 0; half < 2; half++)
            {
                if (descriptor.IsOff(half))
                    continue;
                var (granule, root) = (descriptor.GranuleOf(half), descriptor.TableOf(half));
                var code = half == 0 ? granule : granule switch { 1 => 2, 2 => 0, 3 => 1, _ => 3 };
                var name = Text($"  context {substream}: ASID {descriptor.Asid}, TTB{half}");
                if (FormatOf(ArmLpaeKind.Stage1, descriptor.SizeOf(half), code, descriptor.OutputSize, half == 1) is not { } format)
                    output.WriteLine($"{name}: no such tables");
                else
                    Print(new ArmTables(format, root, read), iova, $"{name}: {Shape(format, root)}");
            }
        }
    }

    /// <summary>Where a context descriptor lies; where a part of the directory is empty the substream is the last of that part.</summary>
    private static bool TryFindContext(in SmmuV3StreamEntry entry, WordReader read, ref uint substream, out ulong at)
    {
        at = entry.Contexts + (substream * (ulong)SmmuV3Words.Bytes);
        if (entry.SubstreamBits == 0 || entry.ContextFormat == 0)
            return true;
        var split = entry.ContextFormat == 1 ? 6 : 10;
        var place = entry.Contexts + ((substream >> split) * (ulong)SmmuV3ContextDirectoryEntry.Bytes);
        if (read(place, out var word) && new SmmuV3ContextDirectoryEntry(word) is { IsValid: true } directory)
        {
            at = directory.Table + ((substream & ((1u << split) - 1)) * (ulong)SmmuV3Words.Bytes);
            return true;
        }

        substream |= (1u << split) - 1;
        return false;
    }

    private void Print(ArmTables tables, ulong? iova, string title)
    {
        output.WriteLine(title);
        if (iova is { } address)
        {
            foreach (var step in tables.Walk(address, out var target))
            {
                var entry = step.Entry is { } word ? Hex(word, 16) : "not in the dump";
                output.WriteLine(Text($"    level {step.Level}  {Hex(step.Address)}: {entry}"));
            }

            tables.Walk(address, out var end);
            output.WriteLine(end is { } place ? Text($"    {Hex(address)} -> {Hex(place.Address)} {Rights(place.Protection)}")
                : Text($"    {Hex(address)} is not mapped"));
            return;
        }

        foreach (var run in tables.Runs())
        {
            var (unit, shift) = run.PageShift >= 30 ? ("GiB", 30) : run.PageShift >= 20 ? ("MiB", 20) : ("KiB", 10);
            var pages = Text($"{run.Bytes >> run.PageShift} x {1 << (run.PageShift - shift)} {unit}");
            var range = $"{Hex(run.First, 12)}..{Hex(run.First + (run.Bytes - 1), 12)}";
            output.WriteLine($"    {range} -> {Hex(run.Target, 12)} {Rights(run.Protection)} {pages}");
        }

        if (tables.Missing > 0)
            output.WriteLine(Text($"    {tables.Missing} tables are not in the dump"));
    }

    private ArmLpaeFormat? FormatOf(ArmLpaeKind kind, int size, uint granule, uint outputSize, bool isUpper = false)
    {
        ulong sizes = granule switch
        {
            0 => ArmLpaeOptions.Granule4K,
            1 => ArmLpaeOptions.Granule64K,
            2 => ArmLpaeOptions.Granule16K,
            _ => 0,
        };
        var bits = SmmuV3AddressSizes.BitsOf(outputSize);
        if (sizes == 0 || bits == 0 || size is < 12 or > 39)
            return null;
        return new ArmLpaeFormat(new ArmLpaeOptions
        {
            Kind = kind,
            InputBits = 64 - size,
            OutputBits = Math.Min(bits, _outputBits),
            PageSizes = sizes,
            Upper = isUpper,
        });
    }

    private static bool TryReadWords(WordReader read, ulong at, out SmmuV3Words words)
    {
        words = default;
        for (var i = 0; i < SmmuV3Words.Count; i++)
        {
            if (!read(at + ((ulong)i * sizeof(ulong)), out var word))
                return false;
            words[i] = word;
        }

        return true;
    }

    private static string Shape(ArmLpaeFormat format, ulong root) =>
        $"{Hex(root)}, {format.InputBits} bits, pages of {1 << (BitOperations.TrailingZeroCount(format.PageSizes) - 10)} KiB";

    private static string NameOf(SmmuV3StreamConfig config) => config switch
    {
        SmmuV3StreamConfig.Bypass => "passes",
        SmmuV3StreamConfig.Stage1 => "stage 1",
        SmmuV3StreamConfig.Stage2 => "stage 2",
        SmmuV3StreamConfig.Nested => "both stages",
        _ => "aborted",
    };

    private static string NameOf(uint stream) => stream <= ushort.MaxValue ? new PciAddress((ushort)stream).ToString() : "no PCI function";

    private static string Rights(Protection protection) => string.Concat(
        (protection & Protection.Read) != 0 ? "r" : "-",
        (protection & Protection.Write) != 0 ? "w" : "-",
        (protection & Protection.NoExecute) != 0 ? "-" : "x",
        (protection & Protection.Privileged) != 0 ? "p" : "-",
        (protection & Protection.Mmio) != 0 ? " device" : (protection & Protection.Cache) != 0 ? " cached" : "");

    private static string Hex(ulong number, int digits = 0) => "0x" + number.ToString("x" + digits, CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
