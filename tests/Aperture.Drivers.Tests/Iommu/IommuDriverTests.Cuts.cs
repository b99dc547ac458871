using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

// What happens when a unit dies between any two register accesses of a sequence, with all that it knows or only to software.
public abstract partial class IommuDriverTests
{
    [Theory]
    [InlineData("replace", true)]
    [InlineData("replace", false)]
    [InlineData("detach", true)]
    [InlineData("detach", false)]
    [InlineData("unmap", true)]
    [InlineData("unmap", false)]
    [InlineData("map", true)]
    [InlineData("map", false)]
    [InlineData("suspend", true)]
    [InlineData("suspend", false)]
    [InlineData("resume", true)]
    [InlineData("resume", false)]
    public void A_unit_that_dies_anywhere_in_a_sequence_can_be_brought_back(string operation, bool losesState)
    {
        var (unit, master, first) = Ready();
        var second = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(first, s_iova, 0);
        Map(first, s_iova + (4 * Page), 4 * Page);
        Map(second, s_iova, Page);
        var wasCut = true;
        for (var accesses = 1; wasCut; accesses++)
        {
            // From a state that works.
            if (master.Group.Domain != first)
                master.Group.Replace(first);
            if (!first.TryTranslate(s_iova + Page, out _))
                Map(first, s_iova + Page, 2 * Page);
            first.Unmap(s_iova + (8 * Page), Page);
            Assert.False(first.IsQuarantining || second.IsQuarantining);
            master.Reaches(s_iova, _board.Data);
            master.Reaches(s_iova + Page, _board.Data + (2 * Page));

            if (operation == "resume")
                unit.Off();
            wasCut = Cut(unit, accesses, losesState, () => Do(operation, unit, master, first, second));
            if (wasCut && losesState)
                unit.Model.SetPower(true);
            unit.Registers.IsDead = false;

            // Whatever the operation left, a resume makes it hold.
            if (unit.Device.Power.UseCount == 0)
                unit.On();
            unit.Cycle(losesState: false);
            Check(operation, master, first, second);
        }
    }

    private void Do(string operation, UnitOnBoard unit, MasterOnBoard master, IommuDomain first, IommuDomain second)
    {
        switch (operation)
        {
            case "replace":
                master.Group.Replace(second);
                break;
            case "detach":
                master.Group.Detach(first);
                break;
            case "unmap":
                first.Unmap(s_iova + Page, Page);
                break;
            case "map":
                if (first.Map(s_iova + (8 * Page), _board.Data + (8 * Page), Page, Protection.ReadWrite) is not Status.Ok and var status)
                    throw new ApertureException(status, "the map failed");
                break;
            case "suspend":
                unit.Off();
                break;
            default:
                unit.On();
                break;
        }
    }

    private void Check(string operation, MasterOnBoard master, IommuDomain first, IommuDomain second)
    {
        switch (operation)
        {
            case "replace":
                if (master.Group.Domain != second)
                    master.Group.Replace(second);
                master.Reaches(s_iova, _board.Data + Page);
                master.IsRefused(s_iova + Page);
                return;
            case "detach":
                Assert.NotSame(first, master.Group.Domain);
                Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova, out _));
                return;
            case "unmap":
                master.Reaches(s_iova, _board.Data);
                master.IsRefused(s_iova + Page);
                return;
            case "map":
                if (!first.TryTranslate(s_iova + (8 * Page), out _))
                    Map(first, s_iova + (8 * Page), 8 * Page); // it was taken back
                master.Reaches(s_iova + (8 * Page), _board.Data + (8 * Page));
                break;
        }

        master.Reaches(s_iova, _board.Data);
        master.Reaches(s_iova + Page, _board.Data + (2 * Page));
        master.IsRefused(s_iova + (3 * Page));
    }

    /// <summary>Runs an operation and lets the unit die before its register access of this number.</summary>
    /// <returns>Whether it came to that.</returns>
    private static bool Cut(UnitOnBoard unit, int accesses, bool losesState, Action operation)
    {
        var left = accesses;
        unit.Registers.Before = () =>
        {
            if (--left != 0)
                return;
            if (losesState)
                unit.Model.SetPower(false);
            else
                unit.Registers.IsDead = true;
        };
        try
        {
            operation();
        }
        catch (ApertureException error)
        {
            Assert.Equal(Status.IoError, error.Status);
            Assert.True(left <= 0);
        }

        unit.Registers.Before = null;
        return left <= 0;
    }
}
