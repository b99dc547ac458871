using System.Runtime.CompilerServices;

namespace Aperture.Datasheets.SmmuV3;

/// <summary>The eight words of 64 bits of which stream table entries and context descriptors are made, lowest address first.</summary>
[InlineArray(Count)]
public struct SmmuV3Words : IEquatable<SmmuV3Words>
{
    /// <summary>How many.</summary>
    public const int Count = 8;

    /// <summary>Bytes of all.</summary>
    public const int Bytes = Count * sizeof(ulong);

    private ulong _first;

    /// <summary>A field of a word.</summary>
    /// <param name="word">Which word.</param>
    /// <param name="shift">Its lowest bit.</param>
    /// <param name="bits">How many.</param>
    public readonly ulong Get(int word, int shift, int bits) => this[word] >> shift & ((1UL << bits) - 1);

    /// <summary>Sets a field of a word.</summary>
    /// <param name="word">Which word.</param>
    /// <param name="shift">Its lowest bit.</param>
    /// <param name="bits">How many.</param>
    /// <param name="value">What it becomes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value has more bits.</exception>
    public void Set(int word, int shift, int bits, ulong value)
    {
        var mask = (1UL << bits) - 1;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, mask);
        this[word] = (this[word] & ~(mask << shift)) | (value << shift);
    }

    /// <inheritdoc/>
    public readonly bool Equals(SmmuV3Words other) => ((ReadOnlySpan<ulong>)this).SequenceEqual(other);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is SmmuV3Words other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(this[0], this[1], this[2], this[3]);

    /// <summary>Whether all words are alike.</summary>
    public static bool operator ==(SmmuV3Words left, SmmuV3Words right) => left.Equals(right);

    /// <summary>Whether a word differs.</summary>
    public static bool operator !=(SmmuV3Words left, SmmuV3Words right) => !left.Equals(right);
}
