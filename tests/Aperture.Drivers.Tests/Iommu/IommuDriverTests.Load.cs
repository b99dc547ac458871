using System.Buffers.Binary;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

// Accesses between any two register accesses of the driver.
public abstract partial class IommuDriverTests
{
    [Fact]
    public void While_a_domain_is_replaced_every_access_goes_to_the_old_one_or_the_new_one()
    {
        var (unit, master, domain) = Ready();
        var domains = new[] { domain, unit.Unit.CreateDomain(DomainType.Unmanaged), unit.Unit.CreateDomain(DomainType.Unmanaged) };
        for (var i = 0; i < domains.Length; i++)
        {
            Map(domains[i], s_iova, (ulong)i * Page);
            BinaryPrimitives.WriteUInt64LittleEndian(_board.Memory.Span(_board.Data + ((ulong)i * Page), 8), (ulong)i);
            _board.Memory.Cache?.Clean(_board.Data + ((ulong)i * Page), 8);
        }

        var random = new Random(5);
        var (from, to, accesses) = (0UL, 0UL, 0);
        unit.Registers.Before = () =>
        {
            accesses++;
            for (var port = 0; port < master.Ports.Length; port++)
            {
                var status = master.TryRead(s_iova, out var value, port);
                Assert.True(
                    status == DmaStatus.Stalled || (status == DmaStatus.Refused && _board.RefusesWhileSwitching)
                        || (status == DmaStatus.Ok && (value == from || value == to)),
                    $"from {from} to {to}: {status}, {value}");
            }
        };
        for (var round = 0; round < 100; round++)
        {
            to = (ulong)random.Next(domains.Length);
            master.Group.Replace(domains[to]);
            from = to;
            for (var port = 0; port < master.Ports.Length; port++)
            {
                Assert.Equal(DmaStatus.Ok, master.TryRead(s_iova, out var value, port));
                Assert.Equal(to, value);
            }
        }

        unit.Registers.Before = null;
        Assert.NotEqual(0, accesses);
        if (!_board.RefusesWhileSwitching)
            Assert.Equal(0UL, _board.Core.FaultCount);
    }

    [Fact]
    public void While_a_page_is_unmapped_its_neighbours_stay_reachable()
    {
        var (unit, master, domain) = Ready();
        for (var i = 0UL; i < 8; i++)
            Map(domain, s_iova + (i * Page), i * Page);
        var accesses = 0;
        unit.Registers.Before = () =>
        {
            accesses++;
            var status = master.TryRead(s_iova, out _);
            Assert.True(status is DmaStatus.Ok or DmaStatus.Stalled, $"{status}");
        };
        for (var i = 1UL; i < 8; i++)
        {
            master.Reaches(s_iova + (i * Page), _board.Data + (i * Page));
            domain.Unmap(s_iova + (i * Page), Page);
        }

        unit.Registers.Before = null;
        Assert.NotEqual(0, accesses);
        master.Reaches(s_iova, _board.Data);
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry; // which leaves the caches as they are
        for (var i = 1UL; i < 8; i++)
            Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + (i * Page), out _));
    }
}
