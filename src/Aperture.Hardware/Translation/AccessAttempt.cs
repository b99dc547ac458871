namespace Aperture.Hardware.Translation;

/// <summary>What a unit remembers of an access that it looks at more than once, because software may release it after a fault.</summary>
public struct AccessAttempt
{
    /// <summary>How often the access was released and came again: 0 for the first look.</summary>
    public int Number { get; internal set; }

    /// <summary>Whether this is one attempt more than the unit makes (<see cref="TranslationUnit.MaxRetries"/>): the unit says what has
    /// become of the stalled access, and does not translate it.</summary>
    public bool IsBeyondLast { get; internal set; }

    /// <summary>Set by the unit: the access faulted just now and is stalled; software, which hears of it when the attempt is over, may
    /// release it.</summary>
    public bool HasFaulted { get; set; }

    /// <summary>A number of the unit's own, kept from attempt to attempt: resets counted when the access was stalled.</summary>
    public ulong Mark { get; set; }
}
