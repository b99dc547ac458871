namespace Aperture.Hardware.Translation;

/// <summary>How a translation ended.</summary>
public enum TranslationStatus : byte
{
    /// <summary>The address was translated.</summary>
    Ok,

    /// <summary>The access is stalled: it faulted, or the unit is blocked, and software has not released it. The master sees no answer;
    /// the same access can be tried again later.</summary>
    Stalled,

    /// <summary>The unit ended the access with an error answer.</summary>
    Aborted,
}
