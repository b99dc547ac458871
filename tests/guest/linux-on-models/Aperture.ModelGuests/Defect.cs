namespace Aperture.ModelGuests;

/// <summary>What is wrong with a unit on purpose, so that a guest can show that it would notice.</summary>
internal enum Defect
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Register writes that remove translations are lost.</summary>
    IgnoresFlushes,

    /// <summary>What may be read may be written, and the other way round.</summary>
    SwapsRights,
}
