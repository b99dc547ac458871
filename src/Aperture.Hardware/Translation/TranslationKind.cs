namespace Aperture.Hardware.Translation;

/// <summary>What an access wants of a unit (PCI Express address translation services, AT field).</summary>
public enum TranslationKind : byte
{
    /// <summary>To be translated and done: the only kind that masters without a cache of translations make.</summary>
    Untranslated,

    /// <summary>To be told the translation; nothing is accessed.</summary>
    TranslationRequest,

    /// <summary>To be done at an address that the unit gave out before.</summary>
    Translated,
}
