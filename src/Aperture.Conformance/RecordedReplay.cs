using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance;

/// <summary>A replay that has tables of its own beside the recorded ones: the file, both memories, and the rules by which the two may
/// differ.</summary>
/// <typeparam name="TFamily">What replays files of one kind.</typeparam>
public abstract class RecordedReplay<TFamily> : IDisposable
    where TFamily : class
{
    private protected readonly VectorFile _file;
    private protected readonly TFamily _family;
    private protected readonly RecordedMemory _recorded; // tables as recorded
    private protected readonly FedTableMemory _memory;   // our tables

    private readonly SortedDictionary<string, int> _deviations = new(StringComparer.Ordinal); // count by rule

    private protected RecordedReplay(VectorFile file, TFamily family)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(family);
        _file = file;
        _family = family;
        _recorded = new RecordedMemory(file);
        _memory = new FedTableMemory(file);
    }

    private protected ReplayPart Part { get; } = new();

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        _recorded.Dispose();
        _memory.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract void Play();

    /// <summary>Replays the file.</summary>
    /// <param name="deviations">How often each rule was applied.</param>
    private protected ReplayPart PlayAll(out IReadOnlyList<Deviation> deviations)
    {
        Play();
        deviations = [.. Rules.All.Where(_deviations.ContainsKey).Select(rule => new Deviation(rule, _deviations[rule]))];
        return Part;
    }

    private protected void Deviate(string rule, int count = 1) => _deviations[rule] = _deviations.GetValueOrDefault(rule) + count;
}
