using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>What every driver of a unit must do, on the model of every variant. A variant is a class that makes its board.</summary>
public abstract partial class IommuDriverTests : IDisposable
{
    private const ulong Page = 4096;
    private const ulong SizesInMemory = (64 << 20) - 1; // the pages that fit behind the start of the board's data

    private static readonly Iova s_iova = new(0x1000_0000);

    private readonly UnitBoard _board;

    protected IommuDriverTests(UnitBoard board) => _board = board;

    protected UnitBoard Board => _board;

    public void Dispose()
    {
        _board.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A powered unit, a master behind it, and a domain in force.</summary>
    private (UnitOnBoard Unit, MasterOnBoard Master, IommuDomain Domain) Ready()
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        return (unit, master, domain);
    }

    private void Map(IommuDomain domain, Iova iova, ulong dataOffset, ulong size = Page) =>
        Assert.Equal(Status.Ok, domain.Map(iova, _board.Data + dataOffset, size, Protection.ReadWrite));
}
