namespace Aperture.Acpi.Dmar;

/// <summary>DMAR: the IOMMUs of Intel's Virtualization Technology for Directed I/O (its specification, section 8).</summary>
public sealed class DmarTable : AcpiTable
{
    /// <summary>The signature.</summary>
    public const string Name = "DMAR";

    private static readonly AcpiNodeForm s_form = new(TypeBytes: 2, LengthOffset: 2, LengthBytes: 2);

    private byte[] _reserved = [];

    /// <inheritdoc/>
    public override string Signature => Name;

    /// <summary>Bits of a DMA address, less one.</summary>
    public byte HostAddressWidth { get; set; }

    /// <summary>Bit 0: interrupts can be remapped; 1: software shall not use x2APIC; 2: software is asked to protect memory from DMA from
    /// the start.</summary>
    public byte Flags { get; set; }

    /// <summary>Units and what belongs to them, in their order.</summary>
    public IList<DmarNode> Nodes { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        HostAddressWidth = fields.U8("Host Address Width", HostAddressWidth);
        Flags = fields.U8("Flags", Flags);
        _reserved = fields.Reserved(10, _reserved);
        fields.Nodes("remapping structure", s_form, Create, Nodes);
    }

    private static DmarNode Create(ulong type) => type switch
    {
        DmarUnit.Code => new DmarUnit(),
        DmarReservedMemory.Code => new DmarReservedMemory(),
        DmarRootPortAts.Code => new DmarRootPortAts(),
        DmarAffinity.Code => new DmarAffinity(),
        DmarNamedDevice.Code => new DmarNamedDevice(),
        DmarIntegratedAts.Code => new DmarIntegratedAts(),
        _ => new DmarUnknown(),
    };
}
