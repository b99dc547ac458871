namespace Aperture.Core;

/// <summary>What a mapping allows and how it behaves. Bits 0–5 mean the same for every unit; bits 16–31 belong to the table
/// format and are named beside it (for example <c>OmapFormat.BigEndian</c>).</summary>
[Flags]
public enum Protection : uint
{
    /// <summary>No access: most units refuse to map it.</summary>
    None = 0,

    /// <summary>The device may read.</summary>
    Read = 1 << 0,

    /// <summary>The device may write.</summary>
    Write = 1 << 1,

    /// <summary>The device may read and write.</summary>
    ReadWrite = Read | Write,

    /// <summary>The mapping is coherent with the CPU's caches.</summary>
    Cache = 1 << 2,

    /// <summary>No instruction fetch.</summary>
    NoExecute = 1 << 3,

    /// <summary>The target is a device's registers, not memory.</summary>
    Mmio = 1 << 4,

    /// <summary>The rights hold for privileged accesses only.</summary>
    Privileged = 1 << 5,

    /// <summary>The bits that belong to the table format.</summary>
    FormatMask = 0xFFFF_0000,
}
