namespace Aperture.Datasheets.Omap;

/// <summary>The bits of IRQSTATUS and IRQENABLE.</summary>
/// <remarks><code>
/// 31          5  4         3          2        1            0
/// [ reserved  ] [multihit][tablewalk][emumiss][translation][tlbmiss]
/// </code></remarks>
[Flags]
public enum OmapFault : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>TLBMISS: no entry matched and the table walker is off.</summary>
    TlbMiss = 1 << 0,

    /// <summary>TRANSLATIONFAULT: the walk found an invalid descriptor.</summary>
    Translation = 1 << 1,

    /// <summary>EMUMISS: a debugger's access matched no entry and the table walker is off.</summary>
    EmuMiss = 1 << 2,

    /// <summary>TABLEWALKFAULT: the bus answered the walker with an error.</summary>
    TableWalk = 1 << 3,

    /// <summary>MULTIHITFAULT: more than one valid entry matched.</summary>
    MultiHit = 1 << 4,

    /// <summary>Every fault bit.</summary>
    All = TlbMiss | Translation | EmuMiss | TableWalk | MultiHit,
}
