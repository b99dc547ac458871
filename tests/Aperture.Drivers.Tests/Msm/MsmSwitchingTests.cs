using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Msm;

/// <summary>Domains that come and go on few context banks, with accesses between any two register accesses of the driver.</summary>
public sealed class MsmSwitchingTests : IDisposable
{
    private const int Switches = 3000; // by hand with 100000
    private const int Domains = 8;
    private const ulong Page = 4096;

    private static readonly Iova s_iova = new(0x1000_0000);

    private readonly MsmBoard _board = new(new());

    public void Dispose() => _board.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public void No_access_lands_outside_the_domain_that_was_current_when_it_was_issued(int masters, int units)
    {
        var all = Enumerable.Range(0, units).Select(_ => _board.AddUnit()).ToArray();
        var users = Enumerable.Range(0, masters).Select(_ => new User(_board.AddMaster(all))).ToArray();
        var domains = MakeDomains(all[0]);
        foreach (var unit in all)
        {
            unit.On();
            unit.Registers.Before = () => Array.ForEach(users, user => user.CheckAll());
        }

        foreach (var user in users)
            user.GoTo(domains, 0);
        var random = new Random(11);
        for (var i = 0; i < Switches; i++)
        {
            var user = users[random.Next(users.Length)];
            user.GoTo(domains, random.Next(Domains));
            user.CheckAll();
        }

        Assert.True(users.Sum(user => user.Accesses) > Switches);
        Assert.Equal(0UL, _board.Core.FaultCount);
    }

    [Fact]
    public void An_asid_that_is_used_again_without_invalidation_is_caught()
    {
        var unit = _board.AddUnit();
        var user = new User(_board.AddMaster(unit));
        var domains = MakeDomains(unit);
        unit.On();
        user.GoTo(domains, 0);
        user.CheckAll();
        unit.Registers.Loses = offset => offset % MsmContextRegisters.Stride == MsmContextRegisters.InvalidateAll;
        user.GoTo(domains, 1);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(user.CheckAll);
        unit.Registers.Loses = null;
        user.GoTo(domains, 2);
        user.CheckAll();
    }

    [Fact]
    public void Banks_run_out_only_when_each_has_a_domain()
    {
        var unit = _board.AddUnit();
        var masters = new[] { _board.AddMaster(unit), _board.AddMaster(unit) };
        var error = Assert.Throws<ApertureException>(() => _board.AddMaster(unit));
        Assert.Equal(Status.NoSpace, error.Status);

        // Two that share a domain leave a bank for the third.
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        foreach (var master in masters)
            master.Group.Attach(domain);
        var third = _board.AddMaster(unit);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        unit.On();
        masters[0].Reaches(s_iova, _board.Data);
        masters[1].Reaches(s_iova, _board.Data);
        third.IsRefused(s_iova);
    }

    [Fact]
    public void A_claimed_group_is_blocked_without_a_bank_and_without_touching_the_others()
    {
        var unit = _board.AddUnit();
        var masters = new[] { _board.AddMaster(unit), _board.AddMaster(unit) };
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        masters[0].Group.Attach(domain);
        masters[1].Group.Claim(this);
        Assert.Equal(DomainType.Blocked, masters[1].Group.Domain!.Type);
        Assert.Equal(DmaStatus.Refused, masters[1].TryRead(s_iova, out _));
        masters[0].Reaches(s_iova, _board.Data);
        masters[1].Group.Attach(domain);
        masters[1].Reaches(s_iova, _board.Data);
        masters[1].Group.Release(this);
        masters[1].IsRefused(s_iova);
        masters[0].Reaches(s_iova, _board.Data);
    }

    private IommuDomain[] MakeDomains(UnitOnBoard unit)
    {
        var domains = new IommuDomain[Domains];
        for (var i = 0; i < Domains; i++)
        {
            domains[i] = unit.Unit.CreateDomain(DomainType.Unmanaged);
            Assert.Equal(Status.Ok, domains[i].Map(s_iova, _board.Data + ((ulong)i * Page), Page, Protection.ReadWrite));
            BinaryPrimitives.WriteUInt64LittleEndian(_board.Memory.Span(_board.Data + ((ulong)i * Page), 8), (ulong)i);
        }

        return domains;
    }

    /// <summary>A master, and where its accesses may land now.</summary>
    private sealed class User(MasterOnBoard master)
    {
        private ulong _old = ulong.MaxValue; // in none of the domains yet
        private ulong _new;

        public int Accesses { get; private set; }

        public void GoTo(IommuDomain[] domains, int number)
        {
            _new = (ulong)number;
            if (master.Group.Domain != domains[number])
                master.Group.Replace(domains[number]);
            _old = _new;
        }

        public void CheckAll()
        {
            for (var port = 0; _old != ulong.MaxValue && port < master.Ports.Length; port++)
            {
                Accesses++;
                var status = master.TryRead(s_iova, out var value, port);
                Assert.True(status == DmaStatus.Ok && (value == _old || value == _new),
                    $"port {port}, from {_old} to {_new}: {status}, {value}");
            }
        }
    }
}
