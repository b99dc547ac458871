namespace Aperture.Hardware.Translation;

/// <summary>What a table says of the memory behind a page, beside who may access it.</summary>
[Flags]
public enum MemoryAttributes : uint
{
    /// <summary>Nothing: the access goes on with whatever attributes the master gave it.</summary>
    None = 0,

    /// <summary>Device registers: accesses are neither merged nor reordered.</summary>
    Device = 1 << 0,

    /// <summary>Memory that is not cached.</summary>
    NonCacheable = 1 << 1,

    /// <summary>Memory whose caches write through.</summary>
    WriteThrough = 1 << 2,

    /// <summary>Memory whose caches write back.</summary>
    WriteBack = 1 << 3,

    /// <summary>The memory is kept coherent with other observers.</summary>
    Shareable = 1 << 4,

    /// <summary>The access goes to the non-secure address space.</summary>
    NonSecure = 1 << 5,
}
