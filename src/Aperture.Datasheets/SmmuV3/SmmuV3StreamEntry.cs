namespace Aperture.Datasheets.SmmuV3;

/// <summary>What a stream's accesses go through: STE.Config.</summary>
public enum SmmuV3StreamConfig
{
    /// <summary>Aborted, without an event. Any value below <see cref="Bypass"/> is.</summary>
    Abort = 0,

    /// <summary>They pass.</summary>
    Bypass = 4,

    /// <summary>Stage 1.</summary>
    Stage1 = 5,

    /// <summary>Stage 2.</summary>
    Stage2 = 6,

    /// <summary>Stage 1, then stage 2.</summary>
    Nested = 7,
}

/// <summary>What happens to accesses without a substream where there are substreams: STE.S1DSS.</summary>
public enum SmmuV3NoSubstream
{
    /// <summary>They are terminated.</summary>
    Terminate = 0,

    /// <summary>They pass stage 1.</summary>
    Bypass = 1,

    /// <summary>They use the context descriptor of substream 0; accesses that name it are terminated.</summary>
    UseFirst = 2,
}

/// <summary>A stream table entry (STE). Source: IHI 0070, 5.2.</summary>
/// <remarks><code>
/// 0: 63 59 S1CDMax | 51 6 S1ContextPtr | 5 4 S1Fmt | 3 1 Config | 0 V
/// 1: 51 50 INSTCFG | 49 48 PRIVCFG | 45 44 SHCFG | 31 30 STRW | 29 28 EATS | 27 S1STALLD | 19 MEV | 18 PPAR | 7 6 S1CSH | 5 4 S1COR
///    | 3 2 S1CIR | 1 0 S1DSS
/// 2: 58 S2R | 57 S2S | 56 S2HA | 55 S2HD | 54 S2PTW | 53 S2AFFD | 52 S2ENDI | 51 S2AA64 | 50 48 S2PS | 47 46 S2TG | 45 44 S2SH0
///    | 43 42 S2OR0 | 41 40 S2IR0 | 39 38 S2SL0 | 37 32 S2T0SZ | 15 0 S2VMID
/// 3: 51 4 S2TTB
/// </code></remarks>
public struct SmmuV3StreamEntry
{
    private const ulong ContextMask = 0x000F_FFFF_FFFF_FFC0;
    private const ulong TableMask = 0x000F_FFFF_FFFF_FFF0;

    private SmmuV3Words _words;

    /// <summary>The words.</summary>
    public SmmuV3Words Words
    {
        readonly get => _words;
        set => _words = value;
    }

    /// <summary>V.</summary>
    public bool IsValid
    {
        readonly get => _words.Get(0, 0, 1) != 0;
        set => _words.Set(0, 0, 1, value ? 1u : 0);
    }

    /// <summary>Config; values below 4 are <see cref="SmmuV3StreamConfig.Abort"/>.</summary>
    public SmmuV3StreamConfig Config
    {
        readonly get => _words.Get(0, 1, 3) is var config and >= 4 ? (SmmuV3StreamConfig)config : SmmuV3StreamConfig.Abort;
        set => _words.Set(0, 1, 3, (ulong)value);
    }

    /// <summary>S1Fmt: 0 one array of context descriptors; two levels, the second of 1 4 KiB, 2 64 KiB.</summary>
    public uint ContextFormat
    {
        readonly get => (uint)_words.Get(0, 4, 2);
        set => _words.Set(0, 4, 2, value);
    }

    /// <summary>S1ContextPtr: the context descriptor or the table of them. With two stages stage 2 translates it.</summary>
    public ulong Contexts
    {
        readonly get => _words[0] & ContextMask;
        set => _words[0] = (_words[0] & ~ContextMask) | (value & ContextMask);
    }

    /// <summary>S1CDMax: bits of a substream; 0: there are none.</summary>
    public int SubstreamBits
    {
        readonly get => (int)_words.Get(0, 59, 5);
        set => _words.Set(0, 59, 5, (ulong)value);
    }

    /// <summary>S1DSS; matters where there are substreams.</summary>
    public SmmuV3NoSubstream NoSubstream
    {
        readonly get => (SmmuV3NoSubstream)_words.Get(1, 0, 2);
        set => _words.Set(1, 0, 2, (ulong)value);
    }

    /// <summary>S1CIR, S1COR and S1CSH: how context descriptors are read; 0x35 is write-back and inner shareable.</summary>
    public uint ContextAttributes
    {
        readonly get => (uint)_words.Get(1, 2, 6);
        set => _words.Set(1, 2, 6, value);
    }

    /// <summary>MEV: alike events may be merged.</summary>
    public bool MergesEvents
    {
        readonly get => _words.Get(1, 19, 1) != 0;
        set => _words.Set(1, 19, 1, value ? 1u : 0);
    }

    /// <summary>S1STALLD: stage 1 stalls nothing.</summary>
    public bool NeverStalls
    {
        readonly get => _words.Get(1, 27, 1) != 0;
        set => _words.Set(1, 27, 1, value ? 1u : 0);
    }

    /// <summary>EATS: 0 no ATS, 1 full ATS, 2 stage 1 only.</summary>
    public uint Ats
    {
        readonly get => (uint)_words.Get(1, 28, 2);
        set => _words.Set(1, 28, 2, value);
    }

    /// <summary>STRW, the regime: 0 that below a hypervisor, 2 the hypervisor's.</summary>
    public uint Regime
    {
        readonly get => (uint)_words.Get(1, 30, 2);
        set => _words.Set(1, 30, 2, value);
    }

    /// <summary>SHCFG: 1 uses the access's own shareability.</summary>
    public uint Shareability
    {
        readonly get => (uint)_words.Get(1, 44, 2);
        set => _words.Set(1, 44, 2, value);
    }

    /// <summary>PRIVCFG: 2 makes every access unprivileged, 3 privileged.</summary>
    public uint Privilege
    {
        readonly get => (uint)_words.Get(1, 48, 2);
        set => _words.Set(1, 48, 2, value);
    }

    /// <summary>INSTCFG: 2 makes every read one of data, 3 of instructions.</summary>
    public uint Instruction
    {
        readonly get => (uint)_words.Get(1, 50, 2);
        set => _words.Set(1, 50, 2, value);
    }

    /// <summary>S2VMID, also of stage 1 alone.</summary>
    public uint Vmid
    {
        readonly get => (uint)_words.Get(2, 0, 16);
        set => _words.Set(2, 0, 16, value);
    }

    /// <summary>S2T0SZ to S2PS: bits 50:32 of word 2, as VTCR has them.</summary>
    public uint Stage2Control
    {
        readonly get => (uint)_words.Get(2, 32, 19);
        set => _words.Set(2, 32, 19, value);
    }

    /// <summary>S2T0SZ: 64 less the bits of an intermediate address.</summary>
    public readonly int Stage2Size => (int)_words.Get(2, 32, 6);

    /// <summary>S2SL0: where walks begin.</summary>
    public readonly int Stage2Start => (int)_words.Get(2, 38, 2);

    /// <summary>S2TG: 0 4 KiB, 1 64 KiB, 2 16 KiB.</summary>
    public readonly uint Stage2Granule => (uint)_words.Get(2, 46, 2);

    /// <summary>S2PS: the code of the output size.</summary>
    public readonly uint Stage2OutputSize => (uint)_words.Get(2, 48, 3);

    /// <summary>S2AA64: the tables are of VMSAv8-64.</summary>
    public bool IsStage2In64
    {
        readonly get => _words.Get(2, 51, 1) != 0;
        set => _words.Set(2, 51, 1, value ? 1u : 0);
    }

    /// <summary>S2AFFD: a clear access flag of stage 2 is no fault.</summary>
    public readonly bool IgnoresStage2AccessFlag => _words.Get(2, 53, 1) != 0;

    /// <summary>S2PTW: tables of stage 1 in device memory are refused.</summary>
    public bool ProtectsTableWalks
    {
        readonly get => _words.Get(2, 54, 1) != 0;
        set => _words.Set(2, 54, 1, value ? 1u : 0);
    }

    /// <summary>S2HD: dirty state of stage 2 is kept.</summary>
    public bool MarksStage2Dirty
    {
        readonly get => _words.Get(2, 55, 1) != 0;
        set => _words.Set(2, 55, 1, value ? 1u : 0);
    }

    /// <summary>S2HA: the access flag of stage 2 is kept.</summary>
    public bool MarksStage2Used
    {
        readonly get => _words.Get(2, 56, 1) != 0;
        set => _words.Set(2, 56, 1, value ? 1u : 0);
    }

    /// <summary>S2S: faults of stage 2 stall.</summary>
    public bool StallsStage2
    {
        readonly get => _words.Get(2, 57, 1) != 0;
        set => _words.Set(2, 57, 1, value ? 1u : 0);
    }

    /// <summary>S2R: faults of stage 2 are recorded.</summary>
    public bool RecordsStage2
    {
        readonly get => _words.Get(2, 58, 1) != 0;
        set => _words.Set(2, 58, 1, value ? 1u : 0);
    }

    /// <summary>S2TTB: the first table of stage 2.</summary>
    public ulong Stage2Table
    {
        readonly get => _words[3] & TableMask;
        set => _words[3] = (_words[3] & ~TableMask) | (value & TableMask);
    }
}
