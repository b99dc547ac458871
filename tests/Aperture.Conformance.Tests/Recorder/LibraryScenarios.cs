using System.Numerics;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>What is recorded of a library: the families of the recorded files, for any settings.</summary>
/// <param name="recorder">The library.</param>
/// <param name="pages">The page sizes to use, smallest first.</param>
/// <param name="iova">Where the device addresses begin: a multiple of all page sizes.</param>
/// <param name="pa">Where the memory begins: likewise.</param>
internal sealed class LibraryScenarios(LibraryRecorder recorder, ulong[] pages, ulong iova, ulong pa)
{
    private static readonly string[] s_protections =
        ["r", "w", "rw", "rw+cache", "rw+noexec", "rw+mmio", "r+priv", "rw+priv", "r+cache+noexec", "w+noexec+mmio", "rw+cache+mmio"];

    private ulong Largest => pages[^1];

    /// <summary>Runs the scenario of a name; one that has none of its own is so many random calls, of which "rough" ones may
    /// fail.</summary>
    public void Run(string name, int seed, int calls)
    {
        switch (name)
        {
            case "basic":
                Basic();
                break;
            case "batch":
                Batch();
                break;
            case "mixed":
                Mixed();
                break;
            case "split":
                Split();
                break;
            case "over":
                Over();
                break;
            case "prot":
                Protections();
                break;
            default:
                Random(seed, calls, name == "rough");
                break;
        }
    }

    /// <summary>Each page size.</summary>
    private void Basic()
    {
        var next = iova;
        foreach (var page in pages)
        {
            next = (next + (3 * page)) & ~(page - 1);
            recorder.Map(next, pa + (page * 5), page, "rw");
            FindAround(next, page);
        }

        next = iova;
        foreach (var page in pages)
        {
            next = (next + (3 * page)) & ~(page - 1);
            recorder.Unmap(next, page);
            FindAround(next, page);
            recorder.Map(next, pa + (page * 2), page, "r");
            FindAround(next, page);
        }
    }

    /// <summary>Several pages of a call, across the ends of tables.</summary>
    private void Batch()
    {
        foreach (var page in pages)
        {
            var end = iova + (page == Largest ? page * 4 : pages[Array.IndexOf(pages, page) + 1]);
            recorder.MapPages(end - (5 * page), pa + (7 * page), page, 12, "rw");
            recorder.MapPages(end, pa + (12 * page), page, 7, "rw");
            FindAround(end, page);
            recorder.UnmapPages(end - (5 * page), page, 12);
            recorder.UnmapPages(end, page, 9);
            FindAround(end, page);
            recorder.Unmap(end - (5 * page), 12 * page);
        }
    }

    /// <summary>Ranges that need several sizes, with and without offsets that agree.</summary>
    private void Mixed()
    {
        var small = pages[0];
        var second = pages[1];
        foreach (var (offset, size, to) in new[]
        {
            (second - (3 * small), (2 * second) + (8 * small), second - (3 * small)),
            (second - (3 * small), 20 * small, 16 * small),
            (0UL, Largest + second + small, 0UL),
            (small, Largest + second, second + small),
        })
        {
            recorder.Map(iova + offset, pa + to, size, "rw");
            FindAround(iova + offset, size);
            recorder.Unmap(iova + offset, size);
            FindAround(iova + offset, size);
        }

        // Small pages where a large one could be, unmapped as the large one: the table under it goes.
        foreach (var page in pages.Skip(1).Where(page => page / small <= 2048))
        {
            recorder.Map(iova, pa + small, page, "rw");
            recorder.Unmap(iova, page);
        }
    }

    /// <summary>Parts of large pages removed.</summary>
    private void Split()
    {
        for (var large = 1; large < pages.Length; large++)
        {
            for (var small = 0; small < large; small++)
            {
                var (whole, part) = (pages[large], pages[small]);
                recorder.Map(iova + whole, pa + whole, whole, "rw+cache");
                recorder.Unmap(iova + whole + (5 * part), part);
                FindAround(iova + whole + (5 * part), part);
                recorder.Unmap(iova + whole, 3 * part);
                recorder.Unmap(iova + (2 * whole) - part, part);
                FindAround(iova + whole, whole);
                recorder.Unmap(iova + whole, whole);
                recorder.Unmap(iova, 4 * whole);
                recorder.Map(iova + whole, pa + (2 * whole), whole, "r");
                FindAround(iova + whole, whole);
                recorder.Unmap(iova + whole, whole);
            }
        }
    }

    /// <summary>Every size over every other.</summary>
    private void Over()
    {
        foreach (var first in pages)
        {
            foreach (var second in pages)
            {
                var at = iova + (Math.Max(first, second) * 2);
                var larger = Math.Max(first, second);
                recorder.Map(at + (first < second ? 5 * first : 0), pa + first, first, "rw");
                recorder.Map(at + (second < first ? 3 * second : 0), pa + (2 * second), second, "r");
                FindAround(at, larger);
                recorder.Map(at, pa, 8 * second, "rw");
                FindAround(at, larger);
                recorder.Unmap(at, larger);
                recorder.Unmap(at, 8 * larger);
                for (var i = 0UL; i < 8; i++)
                    recorder.Unmap(at + (i * larger), larger);
            }
        }

        var small = pages[0];
        recorder.Map(iova + (2 * small), pa, small, "rw");
        recorder.Map(iova, pa, 4 * small, "rw");
        recorder.MapPages(iova, pa, small, 4, "rw");
        FindAround(iova, 4 * small);
    }

    /// <summary>What is refused.</summary>
    /// <param name="beyond">A device address that is none.</param>
    /// <param name="outside">An address that is none of memory; 0 for none.</param>
    /// <param name="last">The last page of the space.</param>
    public void Errors(ulong beyond, ulong outside, ulong last)
    {
        var small = pages[0];
        recorder.Map(iova + (small / 2), pa, small, "rw");
        recorder.Map(iova, pa + (small / 2), small, "rw");
        recorder.Map(iova, pa, small + (small / 2), "rw");
        recorder.Unmap(iova + 16, small);
        recorder.MapPages(iova, pa, small, 1, "none");
        recorder.MapPages(iova, pa, small, 1, "none+cache");
        recorder.MapPages(beyond, pa, small, 1, "rw");
        if (outside != 0)
            recorder.MapPages(iova, outside, small, 1, "rw");
        recorder.UnmapPages(iova, small, 1);
        recorder.UnmapPages(beyond, small, 1);
        recorder.Unmap(beyond, small);
        recorder.MapPages(iova, pa, small, 5, "rw");
        recorder.UnmapPages(iova, small, 7);
        recorder.Map(last, pa, small, "rw");
        recorder.Find(last + small - 1);
        recorder.Unmap(last, small);
    }

    /// <summary>All rights and memory types.</summary>
    private void Protections()
    {
        foreach (var page in pages)
        {
            for (var i = 0; i < s_protections.Length; i++)
                recorder.Map(iova + ((ulong)i * 2 * page), pa + ((ulong)i * 3 * page), page, s_protections[i]);
            for (var i = 0; i < s_protections.Length; i++)
                FindAround(iova + ((ulong)i * 2 * page), page);
            for (var i = 0; i < s_protections.Length; i++)
            {
                if (page != pages[0])
                    recorder.Unmap(iova + ((ulong)i * 2 * page), pages[0]);
                recorder.Unmap(iova + ((ulong)i * 2 * page), page);
                recorder.Unmap(iova + ((ulong)i * 2 * page) + pages[0], page - pages[0]);
            }
        }
    }

    /// <summary>Calls at random.</summary>
    /// <param name="seed">Of the random numbers.</param>
    /// <param name="calls">How many.</param>
    /// <param name="rough">Whether over what is mapped, over holes, and of parts.</param>
    private void Random(int seed, int calls, bool rough)
    {
        var random = new Random(seed);
        var mapped = new List<(ulong Iova, ulong Size)>();
        for (var i = 0; i < calls; i++)
        {
            if (mapped.Count > 0 && random.Next(5) < 2)
            {
                var (at, size) = mapped[random.Next(mapped.Count)];
                if (rough && random.Next(2) == 0)
                {
                    at += (ulong)random.NextInt64((long)(size / pages[0])) * pages[0];
                    size = (ulong)random.Next(1, 20) * pages[random.Next(Math.Min(2, pages.Length))];
                }
                else
                {
                    mapped.Remove((at, size));
                }

                recorder.Unmap(at, size);
            }
            else
            {
                var page = pages[random.Next(pages.Length)];
                var size = page * (ulong)random.Next(1, page == Largest ? 3 : 12);
                var alignment = pages[random.Next(pages.Length)];
                size = Math.Min(size, 100 * alignment);
                var at = iova + ((ulong)random.NextInt64((long)(8 * Largest / page)) * page);
                if (!rough && mapped.Exists(other => at < other.Iova + other.Size && other.Iova < at + size))
                    continue;
                var status = recorder.Map(
                    at,
                    pa + ((ulong)random.NextInt64((long)(8 * Largest / alignment)) * alignment),
                    size,
                    s_protections[random.Next(s_protections.Length)]);
                if (status == 0)
                    mapped.Add((at, size));
                FindAround(at, size);
            }
        }
    }

    private void FindAround(ulong at, ulong size)
    {
        foreach (var address in new[] { at - 1, at, at + (size / 2) + 0x123, at + size - 1, at + size })
            recorder.Find(address);
        if (BitOperations.IsPow2(size))
            recorder.Find(at + (size / 4));
    }
}
