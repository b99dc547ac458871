namespace Aperture.Acpi.Iort;

/// <summary>Interrupt translation services that are as one.</summary>
public sealed class IortItsGroup : IortNode
{
    /// <summary>Its <see cref="IortNode.Type"/>.</summary>
    public const byte Code = 0;

    /// <summary>An empty one.</summary>
    public IortItsGroup() => Type = Code;

    private uint _count;

    /// <summary>Their ids, as in the MADT.</summary>
    public IList<IortNumber> Services { get; } = [];

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        _count = fields.U32("Number of ITSs", Services.Count == 0 ? _count : (uint)Services.Count);
        fields.List("ITS identifier", checked((int)Math.Min(_count, int.MaxValue)), Services);
    }
}
