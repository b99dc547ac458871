namespace Aperture.Hardware.Translation;

/// <summary>What the wires beside the address say of an access. A unit looks at those that it knows.</summary>
[Flags]
public enum AccessFlags : byte
{
    /// <summary>An unprivileged, non-secure access to data.</summary>
    None = 0,

    /// <summary>The access is privileged (AXI PROT[0], PCI Express "Privileged Mode Requested").</summary>
    Privileged = 1 << 0,

    /// <summary>The access fetches instructions (AXI PROT[2], PCI Express "Execute Requested"); a write is never one.</summary>
    Instruction = 1 << 1,

    /// <summary>The access is secure (AXI PROT[1] low).</summary>
    Secure = 1 << 2,

    /// <summary>A debugger or emulator makes the access (OMAP "EMU" accesses).</summary>
    Debug = 1 << 3,
}
