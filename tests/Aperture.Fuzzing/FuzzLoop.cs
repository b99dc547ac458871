using System.Diagnostics;
using System.Globalization;

namespace Aperture.Fuzzing;

/// <summary>Runs a target with changed inputs of a growing corpus.</summary>
internal sealed class FuzzLoop(FuzzTarget target, int seed, string? keep)
{
    private const long MaxAllocated = 256L << 20; // bytes for one input, all of them
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(20); // of the processor, for one input

    private readonly List<byte[]> _corpus = [];
    private byte[] _input = []; // what is being read
    private TimeSpan? _began;   // the processor's time then; null: nothing is

    /// <summary>Runs for some time.</summary>
    /// <returns>Whether nothing was found.</returns>
    public bool Run(TimeSpan time)
    {
        using var coverage = new Coverage();
        using var watch = new Timer(_ => Watch(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var mutator = new Mutator(new Random(seed), target.MaxBytes);
        var clock = Stopwatch.StartNew();
        var files = target.Corpus.Select(place => Path.Combine(FuzzTargets.Root, place))
            .SelectMany(place => Directory.Exists(place) ? Directory.GetFiles(place, "*", SearchOption.AllDirectories) : [])
            .Order(StringComparer.Ordinal).ToArray();
        foreach (var file in files)
        {
            var input = File.ReadAllBytes(file);
            if (input.Length <= target.MaxBytes && !Try(input, coverage))
                return false;
        }

        if (_corpus.Count == 0)
            throw new InvalidOperationException($"{target.Name} has no corpus");
        var (runs, kept) = (0L, 0);
        while (clock.Elapsed < time)
        {
            var known = _corpus.Count;
            if (!Try(mutator.Next(_corpus), coverage))
                return false;
            runs++;
            if (_corpus.Count == known || keep is null)
                continue;
            Directory.CreateDirectory(keep);
            File.WriteAllBytes(Path.Combine(keep, string.Create(CultureInfo.InvariantCulture, $"{kept++:d5}")), _corpus[^1]);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target.Name}: seed {seed}, {files.Length} files, {runs} inputs in {clock.Elapsed.TotalSeconds:f0} s, "
                + $"{_corpus.Count} in the corpus, {coverage.Reached} branches, nothing found"));
        return true;
    }

    private bool Try(byte[] input, Coverage coverage)
    {
        coverage.Begin();
        var before = GC.GetAllocatedBytesForCurrentThread();
        (_input, _began) = (input, Environment.CpuUsage.TotalTime);
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            return Found($"{e.GetType().Name}: {e}");
        }
        finally
        {
            _began = null;
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > MaxAllocated)
            return Found($"{allocated >> 20} MiB for {input.Length} bytes");
        if (coverage.End())
            _corpus.Add(input);
        return true;
    }

    private bool Found(string what)
    {
        var file = Path.Combine(Path.GetTempPath(), $"fuzzing-{target.Name}-{Guid.NewGuid():n}");
        File.WriteAllBytes(file, _input);
        Console.WriteLine($"{target.Name}: seed {seed}: {what}\ninput: {file}\n{Convert.ToBase64String(_input)}");
        return false;
    }

    private void Watch()
    {
        if (_began is { } began && Environment.CpuUsage.TotalTime - began > s_hang)
        {
            Found("hangs");
            Environment.Exit(1);
        }
    }
}
