using System.Runtime.CompilerServices;

namespace Aperture.Hardware.Translation;

/// <summary>What a walker keeps of the structures that it reads: words of tables, descriptors of directories, contexts, stream or device
/// table entries. Lines of equal length, each with the key of what it holds; where a key's line lies is the owner's rule. What is stale
/// stays until it is removed or replaced, as in silicon.</summary>
/// <remarks>For one thread at a time: under the lock under which its owner walks.</remarks>
/// <typeparam name="TKey">What tells one structure from another: an address, a directory index with its machine, a requester.</typeparam>
public sealed class StructureCache<TKey>
    where TKey : struct, IEquatable<TKey>
{
    private readonly Line[] _lines;
    private readonly uint[] _words; // line by line
    private readonly int _length;

    /// <summary>An empty cache.</summary>
    /// <param name="lines">Number of lines, at least 1.</param>
    /// <param name="length">Words of 32 bits in each, at least 1.</param>
    public StructureCache(int lines, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lines, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        _lines = new Line[lines];
        _words = new uint[lines * length];
        _length = length;
    }

    /// <summary>Number of lines.</summary>
    public int Lines => _lines.Length;

    /// <summary>Look-ups that found their key.</summary>
    public ulong Hits { get; private set; }

    /// <summary>Look-ups that did not.</summary>
    public ulong Misses { get; private set; }

    /// <summary>Looks for a key in the line where it would be.</summary>
    /// <param name="line">The line, by the owner's rule.</param>
    /// <param name="key">The key.</param>
    /// <param name="word">Which word of the line is wanted.</param>
    /// <param name="value">The word.</param>
    /// <returns>Whether the line holds that key.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(int line, TKey key, int word, out uint value)
    {
        value = _words[(line * _length) + word];
        if (IsOf(line, key))
        {
            Hits++;
            return true;
        }

        Misses++;
        return false;
    }

    /// <summary>Gives a line to a key, whatever it held; the words are to be filled in.</summary>
    /// <param name="line">The line, by the owner's rule.</param>
    /// <param name="key">The key.</param>
    /// <returns>The words of the line.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<uint> Take(int line, TKey key)
    {
        _lines[line] = new Line(key, true);
        return _words.AsSpan(line * _length, _length);
    }

    /// <summary>Removes a key from the line where it would be.</summary>
    /// <param name="line">The line, by the owner's rule.</param>
    /// <param name="key">The key.</param>
    /// <returns>Whether it was there.</returns>
    public bool Remove(int line, TKey key)
    {
        if (!IsOf(line, key))
            return false;
        _lines[line] = default;
        return true;
    }

    /// <summary>Removes every key that a rule names: all of a machine, all of a device.</summary>
    /// <param name="rule">The rule.</param>
    /// <returns>How many were removed.</returns>
    public int RemoveWhere(Predicate<TKey> rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        var removed = 0;
        foreach (ref var line in _lines.AsSpan())
        {
            if (!line.IsValid || !rule(line.Key))
                continue;
            line = default;
            removed++;
        }

        return removed;
    }

    /// <summary>Removes everything.</summary>
    public void Clear() => Array.Clear(_lines);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsOf(int line, TKey key) => _lines[line].IsValid && _lines[line].Key.Equals(key);

    private readonly record struct Line(TKey Key, bool IsValid);
}
