using System.Globalization;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>Which masters a kind of unit cannot tell apart, told from their descriptions alone: no unit of that kind need have been probed.
/// So groups are known when devices are added, and do not depend on who is bound first.</summary>
public abstract class MasterGrouping
{
    /// <summary>The unit tells masters apart by the cells of their references, and by nothing else. What holds for a unit of which nothing
    /// more is known.</summary>
    public static MasterGrouping ByReference { get; } = new References();

    /// <summary>The unit cannot tell its masters apart at all.</summary>
    public static MasterGrouping ByUnit { get; } = new Units();

    /// <summary>What a master shares on a unit: masters with one of these in common, compared by <see cref="object.Equals(object)"/> and
    /// whichever unit they are behind, form one group.</summary>
    /// <param name="master">The master.</param>
    /// <param name="reference">One of its references to a unit of this kind. The cells may be any; a unit refuses wrong ones later.</param>
    public abstract IEnumerable<object> KeysOf(Device master, IommuSpecifier reference);

    private sealed class References : MasterGrouping
    {
        public override IEnumerable<object> KeysOf(Device master, IommuSpecifier reference) => [new StreamKey(reference)];
    }

    private sealed class Units : MasterGrouping
    {
        public override IEnumerable<object> KeysOf(Device master, IommuSpecifier reference) => [new UnitKey(reference.Unit)];
    }

    private sealed record UnitKey(object Unit);
}

/// <summary>What masters with equal references to one unit share.</summary>
public sealed record StreamKey
{
    /// <summary>The key of a reference.</summary>
    public StreamKey(IommuSpecifier reference)
    {
        Unit = reference.Unit;
        Cells = string.Join(' ', reference.Cells.Select(cell => cell.ToString("x", CultureInfo.InvariantCulture)));
    }

    /// <summary>The unit.</summary>
    public object Unit { get; }

    /// <summary>The cells of the reference, in hexadecimal.</summary>
    public string Cells { get; }
}
