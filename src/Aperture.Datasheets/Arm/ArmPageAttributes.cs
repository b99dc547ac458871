namespace Aperture.Datasheets.Arm;

/// <summary>The attributes of a section or page of the short format, wherever its descriptor has them.</summary>
/// <remarks><code>
/// 11  10  9  8   7  6  5:3  2:0
/// NS  nG  S  XN  C  B  TEX  AP
/// </code></remarks>
/// <param name="Bits">The attributes in this order.</param>
public readonly record struct ArmPageAttributes(uint Bits)
{
    /// <summary>AP[2:0]; with access flags AP[0] is the flag.</summary>
    public uint AccessPermission => Bits & 7;

    /// <summary>TEX[2:0].</summary>
    public uint TypeExtension => Bits >> 3 & 7;

    /// <summary>B.</summary>
    public bool IsBufferable => (Bits & (1 << 6)) != 0;

    /// <summary>C.</summary>
    public bool IsCacheable => (Bits & (1 << 7)) != 0;

    /// <summary>XN: instruction fetches are refused.</summary>
    public bool IsExecuteNever => (Bits & (1 << 8)) != 0;

    /// <summary>S.</summary>
    public bool IsShareable => (Bits & (1 << 9)) != 0;

    /// <summary>nG: the translation is for one ASID.</summary>
    public bool IsNotGlobal => (Bits & (1 << 10)) != 0;

    /// <summary>NS, of sections.</summary>
    public bool IsNonSecure => (Bits & (1 << 11)) != 0;

    /// <summary>Whether the access flag is set, where AP[0] is that flag.</summary>
    public bool IsAccessed => (Bits & 1) != 0;

    /// <summary>Which field of PRRR and NMRR applies under TEX remap: TEX[0], C, B.</summary>
    public int RemapIndex => (int)((TypeExtension & 1) << 2) | (IsCacheable ? 2 : 0) | (IsBufferable ? 1 : 0);

    /// <summary>What the attributes allow.</summary>
    /// <param name="hasAccessFlag">Whether AP[0] is the access flag (SCTLR.AFE).</param>
    public ArmRights Rights(bool hasAccessFlag)
    {
        var rights = (ArmRights)(hasAccessFlag ? WithAccessFlag : Plain)[(int)AccessPermission];
        return IsExecuteNever ? rights : rights | ArmRights.Execute;
    }

    private const byte PrivilegedOnly = (byte)(ArmRights.PrivilegedRead | ArmRights.PrivilegedWrite);
    private const byte UserReads = (byte)(PrivilegedOnly | (byte)ArmRights.UserRead);
    private const byte Everybody = (byte)(UserReads | (byte)ArmRights.UserWrite);
    private const byte PrivilegedReads = (byte)ArmRights.PrivilegedRead;
    private const byte AllRead = (byte)(ArmRights.PrivilegedRead | ArmRights.UserRead);

    // By AP[2:0].
    private static ReadOnlySpan<byte> Plain => [0, PrivilegedOnly, UserReads, Everybody, 0, PrivilegedReads, AllRead, AllRead];

    private static ReadOnlySpan<byte> WithAccessFlag =>
        [PrivilegedOnly, PrivilegedOnly, Everybody, Everybody, PrivilegedReads, PrivilegedReads, AllRead, AllRead];
}
