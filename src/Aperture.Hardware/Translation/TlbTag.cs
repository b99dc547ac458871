namespace Aperture.Hardware.Translation;

/// <summary>Whose translation an entry of a translation cache is, in the full width of every known unit.</summary>
/// <param name="Vmid">The virtual machine or domain: VMID, VID, DID, GSCID; 32 bits.</param>
/// <param name="Asid">The address space in it: ASID, PASID, PSCID; at most <see cref="AsidBits"/> bits.</param>
/// <param name="World">The regime.</param>
public readonly record struct TlbTag(uint Vmid, uint Asid = 0, TlbWorld World = TlbWorld.NonSecure)
{
    /// <summary>Bits of the widest address space number: a PASID of PCI Express.</summary>
    public const int AsidBits = 20;

    /// <summary>The bits of a number (<see cref="TlbTagTable"/>) that are its address space.</summary>
    public const uint AsidMask = (1u << AsidBits) - 1;

    /// <summary>The bits of a number that stand for virtual machine and world: alike in all address spaces of a machine.</summary>
    public const uint VmidMask = ~AsidMask;
}
