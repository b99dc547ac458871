using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

// Attachments, maps, power, faults and dying registers in any order, against a model of what must be reached.
public abstract partial class IommuDriverTests
{
    private const int RandomSteps = 300; // by hand with 20000
    private const int RandomPages = 4;   // device pages in use
    private const int DataPages = 64;    // pages of data, each with its number in it

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_order_of_attaching_mapping_powering_faulting_and_dying_is_seen_exactly(int seed)
    {
        var random = new Random(seed); // the seed is the case's name
        var units = new[] { _board.AddUnit(), _board.AddUnit() };
        var masters = new List<MasterOnBoard> { _board.AddMaster(units[0]), _board.AddMaster(units[1]) };
        if (_board.TellsMastersApart)
            masters.Add(_board.AddMaster(units));
        for (var page = 0UL; page < DataPages; page++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_board.Memory.Span(_board.Data + (page * Page), 8), page);
            _board.Memory.Cache?.Clean(_board.Data + (page * Page), 8);
        }

        var spaces = Enumerable.Range(0, 3).Select(_ => new Space(units[0].Unit.CreateDomain(DomainType.Unmanaged))).ToArray();
        var (reached, refused) = (0, 0);
        for (var step = 0; step < RandomSteps; step++)
        {
            var master = masters[random.Next(masters.Count)];
            var unit = units[random.Next(units.Length)];
            var space = spaces[random.Next(spaces.Length)];
            switch (random.Next(10))
            {
                case <= 2:
                    master.Group.Replace(space.Domain);
                    break;
                case 3 when spaces.FirstOrDefault(other => other.Domain == master.Group.Domain) is { } current:
                    master.Group.Detach(current.Domain);
                    break;
                case <= 5:
                    space.Change(random, _board.Data);
                    break;
                case 6:
                    Toggle(unit);
                    break;
                case 7 when IsOn(unit):
                    unit.Cycle(losesState: random.Next(2) == 0);
                    break;
                case 8 when IsOn(unit):
                    // a fault; nobody may have mended it when the next step comes
                    master.TryRead(s_iova + (RandomPages * Page), out _, random.Next(master.Ports.Length));
                    break;
                case 9 when IsOn(unit):
                    ReplaceOnDyingUnit(random, unit, master, space.Domain);
                    break;
            }

            foreach (var user in masters)
                CheckReach(user, units, spaces, ref reached, ref refused);
        }

        Assert.True(reached > 0 && refused > 0, $"{reached} accesses got through, {refused} did not");
    }

    private static bool IsOn(UnitOnBoard unit) => unit.Device.Power.UseCount > 0;

    private static void Toggle(UnitOnBoard unit)
    {
        if (IsOn(unit))
            unit.Off();
        else
            unit.On();
    }

    /// <summary>The registers die at some point of a switch, or do not; then they come back.</summary>
    private static void ReplaceOnDyingUnit(Random random, UnitOnBoard unit, MasterOnBoard master, IommuDomain domain)
    {
        var losesState = random.Next(2) == 0;
        Cut(unit, random.Next(1, 40), losesState, () => master.Group.Replace(domain));
        unit.Registers.IsDead = false;
        unit.Model.SetPower(true);
        unit.Cycle(losesState: false);
        if (master.Group.Domain == domain)
            return;

        // A unit that can block may have been told to: only another attachment brings the master back.
        master.Group.Replace(domain);
    }

    private static void CheckReach(MasterOnBoard master, UnitOnBoard[] units, Space[] spaces, ref int reached, ref int refused)
    {
        for (var port = 0; port < master.Ports.Length; port++)
        {
            var unit = units.Single(unit => unit.Model == master.Ports[port].Unit);
            if (!IsOn(unit))
                continue;
            var space = spaces.FirstOrDefault(space => space.Domain == master.Group.Domain);
            for (var page = 0; page < RandomPages; page++)
            {
                var expected = space?.Pages[page];
                var status = Try(out var value);
                if (expected is not null && status != DmaStatus.Ok)
                {
                    unit.Cycle(losesState: false); // a fault from before held it back
                    status = Try(out value);
                }

                if (expected is { } data)
                {
                    Assert.Equal((DmaStatus.Ok, data), (status, value));
                    reached++;
                }
                else
                {
                    Assert.NotEqual(DmaStatus.Ok, status);
                    refused++;
                }

                DmaStatus Try(out ulong read) => master.TryRead(s_iova + ((ulong)page * Page), out read, port);
            }
        }
    }

    /// <summary>A domain, and which page of data each of its pages leads to.</summary>
    private sealed class Space(IommuDomain domain)
    {
        public IommuDomain Domain => domain;

        public ulong?[] Pages { get; } = new ulong?[RandomPages];

        public void Change(Random random, PhysicalAddress data)
        {
            var page = random.Next(RandomPages);
            if (Pages[page] is not null)
            {
                Assert.Equal(Page, domain.Unmap(s_iova + ((ulong)page * Page), Page));
                Pages[page] = null;
                return;
            }

            var target = (ulong)random.Next(DataPages);
            Assert.Equal(Status.Ok, domain.Map(s_iova + ((ulong)page * Page), data + (target * Page), Page, Protection.ReadWrite));
            Pages[page] = target;
        }
    }
}
