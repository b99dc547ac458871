namespace Aperture.Drivers.SmmuV3;

/// <summary>An entry in memory that the unit may read at any moment: a stream table entry or a context descriptor.</summary>
public interface ISmmuV3Entry
{
    /// <summary>Reads a word.</summary>
    /// <param name="word">Which, 0 to 7.</param>
    ulong Load(int word);

    /// <summary>Writes a word, whole.</summary>
    /// <param name="word">Which, 0 to 7.</param>
    /// <param name="value">What it becomes.</param>
    void Store(int word, ulong value);

    /// <summary>Makes sure that the unit uses nothing but what the entry holds now.</summary>
    void Sync();
}
