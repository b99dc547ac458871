using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>A guest's own address space: the guest keeps the tables of the first stage, and every address in them is one of the parent's. A
/// unit driver that can nest derives from it.</summary>
public abstract class NestedDomain : IommuDomain
{
    private readonly ulong[] _guestTable;

    /// <summary>A domain over a parent.</summary>
    /// <param name="parent">The address space of the guest's physical addresses. It must stay for as long as this one.</param>
    /// <param name="guestTable">The guest's words that say where its tables are and of what kind; copied.</param>
    protected NestedDomain(IommuDomain parent, ReadOnlySpan<ulong> guestTable)
        : base(DomainType.Nested)
    {
        ArgumentNullException.ThrowIfNull(parent);
        Parent = parent;
        _guestTable = guestTable.ToArray();
    }

    /// <summary>The address space of the guest's physical addresses.</summary>
    public IommuDomain Parent { get; }

    /// <summary>The guest's words that say where its tables are and of what kind, as the unit's own structures have them.</summary>
    public ReadOnlySpan<ulong> GuestTable => _guestTable;

    /// <summary>A unit remembers what both stages made of an address: it hears of the parent's changes, too.</summary>
    internal override void AddUse(IommuUnit unit)
    {
        Parent.AddUse(unit);
        base.AddUse(unit);
    }

    /// <inheritdoc/>
    internal override void RemoveUse(IommuUnit unit)
    {
        base.RemoveUse(unit);
        Parent.RemoveUse(unit);
    }

    /// <summary>Does what a guest asked its unit to invalidate, within this domain and nowhere else.</summary>
    /// <param name="commands">The guest's commands, as it wrote them for its unit.</param>
    /// <param name="done">Bytes of the commands that were done; the guest is told of the one behind them.</param>
    /// <returns><see cref="Status.InvalidArgument"/>: a command that is none, or is not the guest's to give; or how the unit
    /// failed.</returns>
    public abstract Status Invalidate(ReadOnlySpan<byte> commands, out int done);
}
