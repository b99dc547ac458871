namespace Aperture.Hardware.Translation.Walking;

/// <summary>What a walker writes into tables by itself, always by compare-and-swap: an entry that software changed meanwhile is read
/// again.</summary>
[Flags]
public enum TableUpdates
{
    /// <summary>Nothing. A clear access flag is a fault where the format says that it takes the page's rights (Arm).</summary>
    None = 0,

    /// <summary>It sets the access flag of a page that is used.</summary>
    Accessed = 1 << 0,

    /// <summary>It marks a page that is written.</summary>
    Dirty = 1 << 1,
}
