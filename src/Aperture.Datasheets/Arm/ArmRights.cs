namespace Aperture.Datasheets.Arm;

/// <summary>What a page allows to whom.</summary>
[Flags]
public enum ArmRights : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Privileged reads.</summary>
    PrivilegedRead = 1 << 0,

    /// <summary>Privileged writes.</summary>
    PrivilegedWrite = 1 << 1,

    /// <summary>Unprivileged reads.</summary>
    UserRead = 1 << 2,

    /// <summary>Unprivileged writes.</summary>
    UserWrite = 1 << 3,

    /// <summary>Instruction fetches, by whoever may read.</summary>
    Execute = 1 << 4,
}
