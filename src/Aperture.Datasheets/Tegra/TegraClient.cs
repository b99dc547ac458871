namespace Aperture.Datasheets.Tegra;

/// <summary>A client of the memory controller: one stream of reads or of writes of one block of the chip.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its number, as the error registers show it.</param>
/// <param name="Swgroup">The number of its swgroup.</param>
/// <param name="CanTranslate">Whether it has a bit in the TRANSLATION_ENABLE registers. The CPU and the walker itself have none.</param>
public readonly record struct TegraClient(string Name, uint Id, uint Swgroup, bool CanTranslate = true)
{
    /// <summary>Byte offset of the register with its enable bit.</summary>
    public uint EnableRegister => TegraMcRegister.TranslationEnable((int)(Id / 32));

    /// <summary>Its enable bit there.</summary>
    public uint EnableBit => 1u << (int)(Id % 32);
}
