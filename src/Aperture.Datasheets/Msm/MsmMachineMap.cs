namespace Aperture.Datasheets.Msm;

/// <summary>M2VCBR: which context bank the accesses with a machine ID use.</summary>
/// <remarks><code>
/// 27:25      24     23:22  21:20    19       18       17       16       15:8   4:0
/// BPMEMTYPE  BPMTCFG NSCFG BPSHCFG  BPRCNSH  BPRCISH  BPRCOSH  BYPASSD  CBNDX  VMID
/// </code>
/// The BP fields are memory attributes of accesses that bypass translation.</remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmMachineMap(uint Bits)
{
    /// <summary>BYPASSD: an access that would bypass translation is an error instead (inferred from the name).</summary>
    public const uint BypassDisabledBit = 1u << 16;

    /// <summary>NSCFG = 3: accesses are non-secure whatever the master says.</summary>
    public const uint NonSecure = 3u << 22;

    /// <summary>The fields BPRCOSH, BPRCISH, BPRCNSH, BPSHCFG and BPMTCFG.</summary>
    public const uint BypassAttributes = (7u << 17) | (3u << 20) | (1u << 24);

    /// <summary>A context number that no unit has.</summary>
    public const int NoBank = 0xFF;

    /// <summary>Accesses use a context bank.</summary>
    public static MsmMachineMap To(int bank) => new(NonSecure | ((uint)bank << 8));

    /// <summary>Accesses are refused: they name no bank, and may not bypass (inferred).</summary>
    public static MsmMachineMap Refused => new(NonSecure | BypassDisabledBit | (NoBank << 8));

    /// <summary>VMID of the accesses.</summary>
    public uint Vmid => Bits & 0x1F;

    /// <summary>CBNDX: the context bank.</summary>
    public int Bank => (int)(Bits >> 8 & 0xFF);

    /// <summary>BYPASSD.</summary>
    public bool IsBypassDisabled => (Bits & BypassDisabledBit) != 0;
}
