using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Tests.Dma;

/// <summary>Replays recorded calls of a reference allocator. Where ranges lie need not match, but whatever was found is found, no two
/// ranges overlap, and what is refused does not exist.</summary>
public class IovaVectorTests
{
    private const ulong Page = 4096;
    private const ulong Pages = 1UL << 40;

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder(), "*.jsonl").Select(path => Path.GetFileName(path)!).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Space_gives_out_what_the_recording_does(string file)
    {
        var space = new IovaSpace(Page, new Iova((Pages * Page) - 1));
        var reference = new IovaReference(Pages);
        var ours = new Dictionary<ulong, (ulong First, ulong Count)>(); // by the recorded first page
        var number = 0;
        foreach (var text in File.ReadLines(Path.Combine(Folder(), file)))
        {
            using var document = JsonDocument.Parse(text);
            var line = document.RootElement;
            var where = $"{file}:{++number}: {text}";
            switch (line.TryGetProperty("call", out var call) ? call.GetString() : null)
            {
                case "alloc_iova" or "alloc_iova_fast":
                    var (count, end, recorded) = (line.GetProperty("pages").GetUInt64(), Number(line, "limitPfn") + 1, Number(line, "pfn"));
                    var isFound = space.TryAllocate(count * Page, new Iova((end * Page) - 1), out var start);
                    Assert.True(isFound == reference.HasRoom(count, end) && (isFound || recorded == 0),
                        $"{where}: {(isFound ? "found" : "not found")}");
                    if (!isFound)
                        break;
                    var first = start.Value / Page;
                    Assert.True(start.IsAligned(Page * IovaReference.Alignment(count)) && first + count <= end
                        && reference.IsFree(first, count), $"{where}: got {start}");
                    if (recorded == 0)
                    {
                        space.Free(start, count * Page); // only where it had put its ranges there was no room
                        break;
                    }

                    reference.Take(first, count);
                    ours.Add(recorded, (first, count));
                    break;
                case "free_iova" or "free_iova_fast":
                    if (!ours.Remove(Number(line, "pfn"), out var range))
                    {
                        // The reference ignores what is not taken.
                        Assert.Throws<ApertureException>(() => space.Free(new Iova(Number(line, "pfn") * Page), Page));
                        break;
                    }

                    space.Free(new Iova(range.First * Page), range.Count * Page);
                    reference.Free(range.First, range.Count);
                    break;
                case "reserve_iova":
                    var (low, high) = (Number(line, "lo"), Number(line, "hi"));
                    space.Reserve(new Iova(low * Page), (high - low + 1) * Page);
                    reference.Reserve(low, high - low + 1);
                    break;
                default:
                    break; // what the reference's own tree holds
            }

            Assert.True(reference.TakenPages * Page == space.UsedBytes, $"{where}: 0x{space.UsedBytes:x} bytes are in use");
        }

        Assert.True(number > 20);
    }

    private static ulong Number(JsonElement line, string name) =>
        line.GetProperty(name).GetString() is { } text ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : 0;

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "vectors", "iova");
}
