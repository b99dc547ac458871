using Aperture.Core;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Tegra;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Tegra;

/// <summary>The registers stop answering at the n-th access of a sequence, for every n, with everything lost or kept, while another master
/// is in a domain of its own; when they answer again and the unit was brought up, each is where the books say, and nowhere else.</summary>
public sealed class TegraPowerCutTests
{
    private const ulong Page = 4096;

    private static readonly Iova s_iova = new(0x1000_0000);

    [Theory]
    [InlineData("tegra30", true)]
    [InlineData("tegra30", false)]
    [InlineData("tegra210", true)]
    [InlineData("tegra210", false)]
    public void Whenever_the_registers_fail_the_unit_comes_back_right(string soc, bool losesState)
    {
        var options = TegraSmmuOptions.All.Single(candidate => candidate.Soc.Name == soc);
        var cuts = 0;
        foreach (var sequence in (string[])["map", "unmap", "attach", "replace", "detach", "resume"])
        {
            for (var accesses = 0; Cut(options, sequence, accesses, losesState); accesses++)
                cuts++;
        }

        Assert.True(cuts > 40, $"{cuts} cuts");
    }

    /// <returns>Whether the sequence was longer than so many accesses.</returns>
    private static bool Cut(TegraSmmuOptions options, string sequence, int accesses, bool losesState)
    {
        using var board = new TegraBoard(options);
        board.Core.DefaultDomainType = DomainType.Identity;
        var unit = board.AddUnit();
        unit.On();
        var (subject, witness) = (board.AddMaster(unit), board.AddMaster(unit));
        var domains = Enumerable.Range(0, 3).Select(i => Filled(board, unit, i)).ToArray();
        witness.Group.Attach(domains[2]);
        if (sequence is not "attach")
            subject.Group.Attach(domains[0]);
        if (sequence is "resume")
            unit.Off();
        if (sequence is not "resume")
            witness.Reaches(s_iova, Place(board, 2));
        if (sequence is not ("attach" or "resume"))
            subject.Reaches(s_iova, Place(board, 0));

        var left = accesses;
        unit.Registers.Before = () =>
        {
            if (left-- != 0)
                return;
            if (losesState)
                unit.Model.SetPower(false);
            else
                unit.Model.IsClocked = false;
        };
        try
        {
            Run(board, unit, subject, domains, sequence);
        }
        catch (ApertureException)
        {
            Assert.True(left < 0);
        }

        unit.Registers.Before = null;
        unit.Model.SetPower(true);
        unit.Model.IsClocked = true;
        while (unit.Device.Power.UseCount > 0)
            unit.Off();
        unit.On();
        Assert.False(unit.Interrupt.IsStuck);
        witness.Reaches(s_iova, Place(board, 2));
        witness.IsRefused(s_iova + (64 * Page));
        var current = Array.IndexOf(domains, subject.Group.Domain);
        if (current < 0)
            subject.Reaches(new Iova(board.Data.Value), board.Data);
        else if (subject.Group.Domain!.TryTranslate(s_iova, out var address))
            subject.Reaches(s_iova, address);
        else
            subject.IsRefused(s_iova);
        if (current >= 0)
            subject.IsRefused(s_iova + (64 * Page));
        return left < 0;
    }

    private static void Run(TegraBoard board, UnitOnBoard unit, MasterOnBoard subject, IommuDomain[] domains, string sequence)
    {
        switch (sequence)
        {
            case "map":
                domains[0].Map(s_iova + (1 << 24), board.Data, 8 * Page, Protection.ReadWrite);
                break;
            case "unmap":
                domains[0].Unmap(s_iova, Page);
                break;
            case "attach":
                subject.Group.Attach(domains[0]);
                break;
            case "replace":
                subject.Group.Replace(domains[1]);
                break;
            case "detach":
                subject.Group.Detach(domains[0]);
                break;
            default:
                unit.On();
                break;
        }
    }

    private static IommuDomain Filled(TegraBoard board, UnitOnBoard unit, int number)
    {
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, domain.Map(s_iova, Place(board, number), Page, Protection.ReadWrite));
        return domain;
    }

    private static PhysicalAddress Place(TegraBoard board, int number) => board.Data + ((ulong)(number + 1) * Page);
}
