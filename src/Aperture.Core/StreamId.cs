namespace Aperture.Core;

/// <summary>The number by which an IOMMU tells one master from another: stream ID, swgroup, machine ID, requester ID.
/// Units with a single master (<c>#iommu-cells = 0</c>) use zero.</summary>
/// <param name="Value">The number, as wide as the unit takes it.</param>
public readonly record struct StreamId(uint Value)
{
    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
