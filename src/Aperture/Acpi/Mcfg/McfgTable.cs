namespace Aperture.Acpi.Mcfg;

/// <summary>MCFG: where the configuration space of PCI buses is (PCI Firmware Specification 3.3, section 4.1.2). It says nothing about
/// IOMMUs; a machine needs it for the hosts behind them.</summary>
public sealed class McfgTable : AcpiTable
{
    /// <summary>The signature.</summary>
    public const string Name = "MCFG";

    private byte[] _reserved = [];

    /// <inheritdoc/>
    public override string Signature => Name;

    /// <summary>The ranges of buses, in their order.</summary>
    public IList<McfgAllocation> Allocations { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        _reserved = fields.Reserved(8, _reserved);
        fields.List("allocation", -1, Allocations);
    }
}
