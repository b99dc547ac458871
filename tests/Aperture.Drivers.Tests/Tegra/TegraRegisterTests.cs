using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Drivers.Tegra;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Tegra;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Tegra;

/// <summary>What the driver must write again after the power was off, and what it waits for.</summary>
public sealed class TegraRegisterTests
{
    private const ulong Page = 4096;
    private static readonly Iova s_iova = new(0x1000_0000);

    /// <summary>The upper half of the address in a flush of table words is a register of its own: what it holds after a power cycle nobody
    /// knows.</summary>
    [Fact]
    public void The_upper_half_of_a_flush_is_written_once_and_again_after_each_power_cycle()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra124);
        var (unit, _, domain) = Ready(board);
        for (var round = 0UL; round < 3; round++)
        {
            var written = 0;
            unit.Registers.Loses = offset =>
            {
                written += offset == TegraMcRegister.PtcFlushHigh ? 1 : 0;
                return false;
            };
            Assert.Equal(Status.Ok, domain.Map(s_iova + (round * 2 * Page), board.Data, Page, Protection.ReadWrite));
            Assert.Equal(Status.Ok, domain.Map(s_iova + (((round * 2) + 1) * Page), board.Data, Page, Protection.ReadWrite));
            Assert.Equal(round == 0 ? 0 : 1, written); // in the first round the attach did it
            unit.Registers.Loses = null;
            unit.Cycle();
        }
    }

    public static TheoryData<string, int> HotResets
    {
        get
        {
            var rows = new TheoryData<string, int>();
            foreach (var options in TegraSmmuOptions.All)
            {
                foreach (var bank in options.Soc.HotResets.Select(reset => reset.Bank).Distinct())
                    rows.Add(options.Soc.Name, bank);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(HotResets))]
    public void A_hot_reset_is_held_over_power_cycles_and_let_go_after_them(string soc, int bank)
    {
        var options = TegraSmmuOptions.All.First(options => options.Soc.Name == soc);
        using var board = new TegraBoard(options);
        var (unit, _, _) = Ready(board);
        var resets = ((TegraSmmuUnit)unit.Unit).HotResets;
        var number = Enumerable.Range(0, options.Soc.HotResets.Count).First(i => options.Soc.HotResets[i].Bank == bank);
        var mask = options.Soc.HotResets[number].Mask;
        Assert.Equal(Status.Ok, resets.Resolve(GateKind.Reset, [(uint)number], out var gate));
        gate!.Enable();
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(0u, Held());
            gate.Disable();
            Assert.Equal(mask, Held());
            unit.Cycle();
            Assert.Equal(mask, Held());
            unit.Cycle();
            Assert.Equal(mask, Held());
            gate.Enable();
            Assert.Equal(0u, Held());
            unit.Cycle();
        }

        uint Held()
        {
            var register = bank == 0 ? TegraMcRegister.HotResetControl : TegraMcRegister.HotResetControl1;
            Assert.True(unit.Model.TryRead(register, 4, out var value));
            return (uint)value;
        }
    }

    /// <summary>Writes are posted: a flush has reached the controller when a read behind it was answered (recorded driver
    /// behaviour).</summary>
    [Fact]
    public void A_flush_ends_with_a_read()
    {
        using var board = new TegraBoard(TegraSmmuOptions.Tegra30);
        var (unit, _, domain) = Ready(board);
        foreach (var pages in new[] { 1UL, 300UL, 20_000UL })
        {
            Assert.Equal(Status.Ok, domain.Map(s_iova, board.Data, pages * Page, Protection.ReadWrite));
            var (flushes, isRead, isWrite) = (0, false, false);
            unit.Registers.Before = () =>
            {
                isRead |= !isWrite; // the access before this one
                isWrite = false;
            };
            unit.Registers.Loses = offset =>
            {
                isWrite = true;
                if (offset == TegraMcRegister.TlbFlush)
                    (flushes, isRead) = (flushes + 1, false);
                return false;
            };
            Assert.Equal(pages * Page, domain.Unmap(s_iova, pages * Page));
            isRead |= !isWrite;
            Assert.True(flushes > 0 && isRead, $"{pages} pages: {flushes} flushes, {(isRead ? "then a read" : "and no read behind them")}");
            (unit.Registers.Before, unit.Registers.Loses) = (null, null);
        }
    }

    private static (UnitOnBoard Unit, MasterOnBoard Master, IommuDomain Domain) Ready(TegraBoard board)
    {
        var unit = board.AddUnit();
        unit.On();
        var master = board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        return (unit, master, domain);
    }
}
