using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Tegra;

public class TegraErrorTests
{
    [Theory]
    [InlineData("tegra30")]
    [InlineData("tegra210")]
    public void A_fault_shows_client_direction_rights_and_address(string soc)
    {
        using var unit = new TegraHarness(TegraTranslationTests.Options(soc));
        unit.Start();
        unit.Link(0x1000_0000);
        unit.Page(0x1000_0000, 0x8030_0000, TegraDescriptor.ReadableBit | TegraDescriptor.NonSecureBit);
        unit.AssertRefused(0x1000_1234);
        var writer = unit.Soc.FindClient(unit.Swgroup, isWrite: true)!.Value.Id;
        var reader = unit.Soc.FindClient(unit.Swgroup, isWrite: false)!.Value.Id;
        Assert.Equal(0x6000_0000 | reader, unit.Read(8));
        Assert.Equal(0x1000_1234u, unit.Read(0xC));

        unit.AssertRefused(0x1000_0FF8, DmaAccess.Write);
        Assert.Equal(0x6A01_0000 | writer, unit.Read(8));
        Assert.Equal(0x1000_0FF8u, unit.Read(0xC));
        unit.Write(8, 0);
        Assert.Equal(0x1000_0FF8u, unit.Read(0xC));
        Assert.Equal(2ul, unit.Unit.Counters.Faults);
    }

    [Fact]
    public void The_line_follows_status_and_mask()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        Assert.Equal(TranslationStatus.Aborted, unit.Translate(0x1000_0000, DmaAccess.Read, out _));
        Assert.False(unit.Unit.Interrupt.IsAsserted);
        unit.Write(4, 0x400);
        Assert.True(unit.Unit.Interrupt.IsAsserted);
        unit.Write(0, 0x3FF);
        Assert.True(unit.Unit.Interrupt.IsAsserted);
        unit.Write(0, 0x400);
        Assert.False(unit.Unit.Interrupt.IsAsserted);
        unit.Unit.Poke(0, 0x440);
        Assert.True(unit.Unit.Interrupt.IsAsserted);
        unit.Write(4, 0x80);
        Assert.False(unit.Unit.Interrupt.IsAsserted);
    }

    [Theory]
    [InlineData(true, 0x1000_0000)]
    [InlineData(false, 0x2000_0000)]
    public void One_error_is_kept_until_it_is_cleared_the_first_or_the_last(bool keepsFirst, uint expected)
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124 with { KeepsFirstError = keepsFirst });
        unit.Start();
        unit.Translate(0x1000_0000, DmaAccess.Read, out _);
        unit.Translate(0x2000_0000, DmaAccess.Read, out _);
        Assert.Equal(expected, unit.Read(0xC));
        unit.Write(0, 0x400);
        unit.Translate(0x3000_0000, DmaAccess.Read, out _);
        Assert.Equal(0x3000_0000u, unit.Read(0xC));
    }

    /// <summary>The words of an atom that was not read as a whole are nothing that the next access could go by: not the zeros that were not
    /// read, and not what the line held before.</summary>
    [Theory]
    [InlineData("tegra30", false)]
    [InlineData("tegra30", true)]
    [InlineData("tegra210", false)]
    [InlineData("tegra210", true)]
    public void A_table_where_no_memory_is_cannot_be_read_the_second_time_and_the_third_either(string soc, bool holdsEmpty)
    {
        const ulong nowhere = 0x4000_5000; // the lines of the table that is there
        using var unit = new TegraHarness(TegraTranslationTests.Options(soc) with { TlbHoldsEmpty = holdsEmpty });
        unit.Start();
        unit.Link(0x1000_0000);
        unit.Page(0x1000_0000, 0x8030_0000);
        unit.Link(0x1040_0000, nowhere);
        for (var round = 0; round < 3; round++)
        {
            unit.AssertMapped(0x1000_0000, 0x8030_0000);
            for (var time = 0; time < 3; time++)
            {
                Assert.Equal(TranslationStatus.Aborted, unit.Translate(0x1040_0000, DmaAccess.Read, out _));
                Assert.Equal((uint)TegraMcInterrupts.DecodeError, unit.Read(0));
                Assert.Equal(TegraErrorKind.DecodeError, new TegraErrorStatus(unit.Read(8)).Kind);
                unit.Write(0, (uint)TegraMcInterrupts.DecodeError);
            }

            unit.Write(0x30, 0); // the TLB asks the tables again
        }
    }

    [Theory]
    [InlineData(TegraMcInterrupts.DecodeError, 0x008u)]
    [InlineData(TegraMcInterrupts.SecurityViolation, 0x008u)]
    [InlineData(TegraMcInterrupts.VideoProtect, 0x654u)]
    [InlineData(TegraMcInterrupts.Security, 0x67Cu)]
    [InlineData(TegraMcInterrupts.Mts, 0x9B0u)]
    [InlineData(TegraMcInterrupts.Carveout, 0xC00u)]
    public void Errors_of_each_cause_have_their_registers(TegraMcInterrupts cause, uint register)
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra210);
        unit.Translate(0, DmaAccess.Read, out _);
        unit.Unit.Latch(cause, TegraErrorStatus.Of(TegraErrorKind.Carveout, 0x27, true, false, 0x3_1234_5678, default), 0x1234_5678);
        Assert.Equal((uint)cause, unit.Read(0));
        Assert.Equal(0x4031_0027u, unit.Read(register));
        Assert.Equal(0x1234_5678u, unit.Read(register + 4));
    }
}
