using Aperture.Core;
using Aperture.Drivers.Tegra;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Tegra;

/// <summary>Several domains in force at once, more of them than address spaces, switched while masters are at work.</summary>
public sealed class TegraContextTests
{
    private const ulong Page = 4096;
    private const int Switches = 3000; // 100,000 were run by hand

    private static readonly Iova s_iova = new(0x1000_0000);

    [Fact]
    public void Each_master_sees_its_own_domain_at_the_same_address()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra124);
        var unit = board.AddUnit();
        unit.On();
        var masters = Enumerable.Range(0, 12).Select(_ => board.AddMaster(unit)).ToArray();
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < masters.Length; i++)
            {
                if (round == 0)
                {
                    var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
                    Assert.Equal(Status.Ok, domain.Map(s_iova, board.Data + ((ulong)i * Page), Page, Protection.ReadWrite));
                    masters[i].Group.Attach(domain);
                }

                masters[i].Reaches(s_iova, board.Data + ((ulong)i * Page));
            }
        }

        masters[3].Group.Domain!.Unmap(s_iova, Page);
        masters[3].IsRefused(s_iova);
        masters[4].Reaches(s_iova, board.Data + (4 * Page));
    }

    [Fact]
    public void Without_a_free_address_space_an_attach_fails_and_changes_nothing()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra30);
        board.Core.DefaultDomainType = DomainType.Identity;
        var unit = board.AddUnit();
        unit.On();
        var masters = Enumerable.Range(0, 6).Select(_ => board.AddMaster(unit)).ToArray();
        var domains = masters.Select((_, i) => Filled(board, unit, i)).ToArray();
        for (var i = 0; i < 4; i++)
            masters[i].Group.Attach(domains[i]);
        for (var i = 4; i < 6; i++)
        {
            var error = Assert.Throws<ApertureException>(() => masters[i].Group.Attach(domains[i]));
            Assert.Equal(Status.NoSpace, error.Status);
            Assert.Same(board.Core.Identity, masters[i].Group.Domain);
            masters[i].Reaches(new Iova(board.Data.Value), board.Data);
        }

        for (var i = 0; i < 4; i++)
            masters[i].Reaches(s_iova, Place(board, i));

        // One more master in a domain that is in force takes none; and the one that becomes free serves the next.
        masters[5].Group.Attach(domains[1]);
        masters[5].Reaches(s_iova, Place(board, 1));
        masters[2].Group.Detach(domains[2]);
        masters[4].Group.Attach(domains[4]);
        masters[4].Reaches(s_iova, Place(board, 4));
        masters[2].Reaches(new Iova(board.Data.Value), board.Data);
        Assert.Throws<ApertureException>(() => masters[2].Group.Attach(domains[2]));
    }

    [Fact]
    public void The_lowest_free_address_space_is_taken()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra124);
        board.Core.DefaultDomainType = DomainType.Identity;
        var unit = board.AddUnit();
        unit.On();
        var masters = Enumerable.Range(0, 5).Select(_ => board.AddMaster(unit)).ToArray();
        var domains = masters.Select((_, i) => Filled(board, unit, i)).ToArray();
        for (var i = 0; i < 4; i++)
            masters[i].Group.Attach(domains[i]);
        Assert.Equal([0, 1, 2, 3], masters[..4].Select(master => AsidOf(board, unit, master)));
        masters[2].Group.Detach(domains[2]);
        masters[0].Group.Detach(domains[0]);
        masters[4].Group.Attach(domains[4]);
        masters[2].Group.Attach(domains[2]);
        Assert.Equal([0, 2], [AsidOf(board, unit, masters[4]), AsidOf(board, unit, masters[2])]);
    }

    [Fact]
    public void A_domain_takes_over_the_last_address_space_from_the_one_that_its_master_leaves()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra114);
        var (unit, masters, domains) = Full(board);
        var next = Filled(board, unit, 9);
        masters[2].Reaches(s_iova, Place(board, 2));
        masters[2].Group.Replace(next);
        masters[2].Reaches(s_iova, Place(board, 9));
        masters[2].Group.Replace(domains[2]);
        masters[2].Reaches(s_iova, Place(board, 2));
        next.Dispose();

        // A second master in the domain keeps it where it is.
        var guest = board.AddMaster(unit);
        guest.Group.Attach(domains[2]);
        var error = Assert.Throws<ApertureException>(() => masters[2].Group.Replace(Filled(board, unit, 10)));
        Assert.Equal(Status.NoSpace, error.Status);
        masters[2].Reaches(s_iova, Place(board, 2));
        guest.Reaches(s_iova, Place(board, 2));
    }

    [Fact]
    public void A_take_over_that_dies_half_way_gives_the_address_space_back()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra30);
        var (unit, masters, domains) = Full(board);
        var next = Filled(board, unit, 9);
        unit.Model.SetPower(false);
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => masters[1].Group.Replace(next)).Status);
        unit.Model.SetPower(true);
        unit.Cycle();
        for (var i = 0; i < 4; i++)
            masters[i].Reaches(s_iova, Place(board, i));
        next.Dispose();
        domains[0].Unmap(s_iova, Page);
        masters[0].IsRefused(s_iova);
    }

    /// <summary>The tests above would see a driver that gives an address space away and does not flush.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_address_space_used_again_leads_elsewhere_because_it_was_flushed(bool losesFlushes)
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra124);
        board.Core.DefaultDomainType = DomainType.Identity;
        var unit = board.AddUnit();
        unit.On();
        var master = board.AddMaster(unit);
        var (first, second) = (Filled(board, unit, 1), Filled(board, unit, 2));
        master.Group.Attach(first);
        master.Reaches(s_iova, Place(board, 1));
        unit.Registers.Loses = offset => losesFlushes && offset == Datasheets.Tegra.TegraMcRegister.TlbFlush;
        master.Group.Replace(board.Core.Identity);
        master.Group.Replace(second);
        Assert.Equal(0, AsidOf(board, unit, master));
        master.Reaches(s_iova, Place(board, losesFlushes ? 1 : 2));
    }

    [Theory]
    [InlineData("tegra30")]
    [InlineData("tegra210")]
    public void No_access_lands_outside_the_domain_that_is_current(string soc)
    {
        // More domains than address spaces on the small SoC; four masters that are switched at random, mapped, unmapped and powered
        // meanwhile.
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var board = new TegraBoard(TegraSmmuOptions.All.Single(options => options.Soc.Name == soc));
        board.Core.DefaultDomainType = DomainType.Identity;
        var unit = board.AddUnit();
        unit.On();
        var masters = Enumerable.Range(0, 4).Select(_ => board.AddMaster(unit)).ToArray();
        var domains = Enumerable.Range(0, 8).Select(i => Filled(board, unit, i)).ToArray();
        var isMapped = Enumerable.Repeat(true, domains.Length).ToArray();
        var current = new int[masters.Length];
        for (var i = 0; i < masters.Length; i++)
            masters[i].Group.Attach(domains[current[i] = i]);
        for (var step = 0; step < Switches; step++)
        {
            var who = random.Next(masters.Length);
            var to = random.Next(domains.Length);
            masters[who].Group.Replace(domains[to]);
            current[who] = to;
            if (random.Next(4) == 0)
            {
                var changed = random.Next(domains.Length);
                if (isMapped[changed])
                    Assert.Equal(Page, domains[changed].Unmap(s_iova, Page));
                else
                    Map(board, domains[changed], changed);
                isMapped[changed] = !isMapped[changed];
            }

            if (random.Next(100) == 0)
                unit.Cycle(random.Next(2) == 0);
            for (var i = 0; i < masters.Length; i++)
            {
                var ok = masters[i].TryRead(s_iova, out var value);
                Assert.True(
                    isMapped[current[i]] ? (ok, value) == (DmaStatus.Ok, Place(board, current[i]).Value) : ok == DmaStatus.Refused,
                    $"seed {seed}, step {step}: master {i} in domain {current[i]} got {ok}, 0x{value:x}");
            }
        }
    }

    private static (UnitOnBoard Unit, MasterOnBoard[] Masters, IommuDomain[] Domains) Full(TegraBoard board)
    {
        board.Core.DefaultDomainType = DomainType.Identity;
        var unit = board.AddUnit();
        unit.On();
        var masters = Enumerable.Range(0, 4).Select(_ => board.AddMaster(unit)).ToArray();
        var domains = masters.Select((_, i) => Filled(board, unit, i)).ToArray();
        for (var i = 0; i < masters.Length; i++)
            masters[i].Group.Attach(domains[i]);
        return (unit, masters, domains);
    }

    /// <summary>A domain with one page, whose memory holds its own address.</summary>
    private static IommuDomain Filled(TegraBoard board, UnitOnBoard unit, int number)
    {
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(board, domain, number);
        System.Runtime.InteropServices.MemoryMarshal.Write(board.Memory.Span(Place(board, number), 8), Place(board, number).Value);
        return domain;
    }

    private static void Map(TegraBoard board, IommuDomain domain, int number) =>
        Assert.Equal(Status.Ok, domain.Map(s_iova, Place(board, number), Page, Protection.ReadWrite));

    private static PhysicalAddress Place(TegraBoard board, int number) => board.Data + ((ulong)number * Page);

    private static int AsidOf(TegraBoard board, UnitOnBoard unit, MasterOnBoard master)
    {
        var swgroup = ((TegraSmmuUnit)unit.Unit).Soc.FindSwgroup(master.Ports[0].Stream.Value)!.Value;
        Assert.True(board.ModelOf(unit.Unit).TryRead(swgroup.AsidRegister, 4, out var value));
        Assert.True((value & 0x8000_0000) != 0);
        return (int)value & 0x7F;
    }
}
