namespace Aperture.Hardware.Msm;

/// <summary>What CTX_TLBIALL of a context bank removes.</summary>
public enum MsmContextInvalidation
{
    /// <summary>Entries of the bank's VMID and ASID, and global ones of the VMID.</summary>
    Asid,

    /// <summary>All entries of the bank's VMID.</summary>
    Vmid,
}
