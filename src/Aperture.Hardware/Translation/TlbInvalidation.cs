using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>Which entries of a translation cache an invalidation removes: whose, and where. All by default.</summary>
public readonly record struct TlbInvalidation
{
    /// <summary>Every entry.</summary>
    public TlbInvalidation()
    {
    }

    /// <summary>The number of the tag that is meant.</summary>
    public uint Tag { get; init; }

    /// <summary>The bits of it that count: 0 for every tag, <see cref="TlbTag.VmidMask"/> for all of a virtual machine, all ones for one
    /// address space.</summary>
    public uint TagMask { get; init; }

    /// <summary>Whether global entries go as well, whose own tag ends at the virtual machine.</summary>
    public bool IncludesGlobal { get; init; } = true;

    /// <summary>The first device address that is meant.</summary>
    public Iova First { get; init; }

    /// <summary>The last one; entries that hold any address between go.</summary>
    public Iova Last { get; init; } = new(ulong.MaxValue);

    /// <summary>The first entry that may go: those below are locked.</summary>
    public int FirstEntry { get; init; }
}
