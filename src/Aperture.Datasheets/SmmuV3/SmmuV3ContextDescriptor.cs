namespace Aperture.Datasheets.SmmuV3;

/// <summary>A context descriptor (CD): the tables of stage 1. Source: IHI 0070, 5.4.</summary>
/// <remarks><code>
/// 0: 63 48 ASID | 47 ASET | 46 A | 45 R | 44 S | 43 HA | 42 HD | 41 AA64 | 40 PAN | 39 TBI1 | 38 TBI0 | 35 AFFD | 34 32 IPS | 31 V
///    | 30 EPD1 | 29 16 T1SZ, TG1, IR1, OR1, SH1 | 15 ENDI | 14 EPD0 | 13 12 SH0 | 11 10 OR0 | 9 8 IR0 | 7 6 TG0 | 5 0 T0SZ
/// 1: 51 4 TTB0   2: 51 4 TTB1   3: MAIR
/// </code></remarks>
public struct SmmuV3ContextDescriptor
{
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
        readonly get => Flag(31);
        set => SetFlag(31, value);
    }

    /// <summary>T0SZ and T1SZ, TG0 and TG1, ..., as TCR has them: a half of word 0.</summary>
    /// <param name="half">0 for the lower half of the addresses, 1 for the upper.</param>
    public readonly uint ControlOf(int half) => (uint)_words.Get(0, 16 * half, 14);

    /// <summary>Sets what <see cref="ControlOf"/> says.</summary>
    /// <param name="half">0 or 1.</param>
    /// <param name="size">64 less the bits of an address.</param>
    /// <param name="granule">TG: of the lower half 0 4 KiB, 1 64 KiB, 2 16 KiB; of the upper 1 16 KiB, 2 4 KiB, 3 64 KiB.</param>
    /// <param name="inner">IR: 0 not cached, 1 write-back.</param>
    /// <param name="outer">OR, likewise.</param>
    /// <param name="shareability">SH: 2 outer, 3 inner.</param>
    public void SetControl(int half, int size, int granule, int inner, int outer, int shareability) =>
        _words.Set(0, 16 * half, 14, (uint)(size | (granule << 6) | (inner << 8) | (outer << 10) | (shareability << 12)));

    /// <summary>T0SZ or T1SZ: 64 less the bits of an address.</summary>
    public readonly int SizeOf(int half) => (int)_words.Get(0, 16 * half, 6);

    /// <summary>TG0 or TG1.</summary>
    public readonly uint GranuleOf(int half) => (uint)_words.Get(0, (16 * half) + 6, 2);

    /// <summary>EPD0 or EPD1: the half is not translated; its accesses fault.</summary>
    public readonly bool IsOff(int half) => Flag((16 * half) + 14);

    /// <summary>Sets what <see cref="IsOff"/> says.</summary>
    public void SetOff(int half, bool isOff) => SetFlag((16 * half) + 14, isOff);

    /// <summary>TBI0 or TBI1: the top byte of an address means nothing.</summary>
    public readonly bool IgnoresTopByte(int half) => Flag(38 + half);

    /// <summary>ENDI: the tables are big endian.</summary>
    public readonly bool IsBigEndian => Flag(15);

    /// <summary>IPS: the code of the output size.</summary>
    public uint OutputSize
    {
        readonly get => (uint)_words.Get(0, 32, 3);
        set => _words.Set(0, 32, 3, value);
    }

    /// <summary>AFFD: a clear access flag is no fault.</summary>
    public bool IgnoresAccessFlag
    {
        readonly get => Flag(35);
        set => SetFlag(35, value);
    }

    /// <summary>AA64: the tables are of VMSAv8-64.</summary>
    public bool IsIn64
    {
        readonly get => Flag(41);
        set => SetFlag(41, value);
    }

    /// <summary>HD: dirty state is kept.</summary>
    public bool MarksDirty
    {
        readonly get => Flag(42);
        set => SetFlag(42, value);
    }

    /// <summary>HA: the access flag is kept.</summary>
    public bool MarksUsed
    {
        readonly get => Flag(43);
        set => SetFlag(43, value);
    }

    /// <summary>S: faults stall.</summary>
    public bool Stalls
    {
        readonly get => Flag(44);
        set => SetFlag(44, value);
    }

    /// <summary>R: faults are recorded.</summary>
    public bool Records
    {
        readonly get => Flag(45);
        set => SetFlag(45, value);
    }

    /// <summary>A: what faults and does not stall is aborted; else it reads zero and writes nothing.</summary>
    public bool Aborts
    {
        readonly get => Flag(46);
        set => SetFlag(46, value);
    }

    /// <summary>ASET: the number is none that processors share.</summary>
    public bool IsOwnAsid
    {
        readonly get => Flag(47);
        set => SetFlag(47, value);
    }

    /// <summary>ASID.</summary>
    public uint Asid
    {
        readonly get => (uint)_words.Get(0, 48, 16);
        set => _words.Set(0, 48, 16, value);
    }

    /// <summary>MAIR: memory attributes by index.</summary>
    public ulong MemoryAttributes
    {
        readonly get => _words[3];
        set => _words[3] = value;
    }

    /// <summary>TTB0 or TTB1: the first table of a half.</summary>
    public readonly ulong TableOf(int half) => _words[1 + half] & TableMask;

    /// <summary>Sets what <see cref="TableOf"/> says.</summary>
    public void SetTable(int half, ulong table) => _words[1 + half] = (_words[1 + half] & ~TableMask) | (table & TableMask);

    private readonly bool Flag(int bit) => _words.Get(0, bit, 1) != 0;

    private void SetFlag(int bit, bool value) => _words.Set(0, bit, 1, value ? 1u : 0);
}
