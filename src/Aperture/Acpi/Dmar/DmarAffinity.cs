namespace Aperture.Acpi.Dmar;

/// <summary>To which proximity domain a unit belongs (RHSA).</summary>
public sealed class DmarAffinity : DmarNode
{
    /// <summary>Its <see cref="DmarNode.Type"/>.</summary>
    public const ushort Code = 3;

    /// <summary>An empty one.</summary>
    public DmarAffinity() => Type = Code;

    /// <summary>Reserved.</summary>
    public uint Reserved { get; set; }

    /// <summary>The registers of the unit.</summary>
    public ulong Address { get; set; }

    /// <summary>The domain.</summary>
    public uint ProximityDomain { get; set; }


    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        Reserved = fields.U32("Reserved", Reserved);
        Address = fields.U64("Register Base Address", Address);
        ProximityDomain = fields.U32("Proximity Domain", ProximityDomain);
    }
}
