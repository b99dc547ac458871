using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Tegra;

public class TegraTranslationTests
{
    public static TheoryData<string> Socs => [.. TegraSoc.All.Select(soc => soc.Name)];

    public static TegraSmmuOptions Options(string soc) => TegraSmmuOptions.All.Single(options => options.Soc.Name == soc);

    [Theory]
    [MemberData(nameof(Socs))]
    public void Pages_and_sections_are_walked(string soc)
    {
        using var unit = new TegraHarness(Options(soc));
        unit.Start();
        unit.Link(0x1000_0000);
        unit.Page(0x1000_5000, 0x8030_0000);
        unit.AssertMapped(0x1000_5ABC, 0x8030_0ABC);
        unit.AssertMapped(0x1000_5ABC, 0x8030_0ABC, DmaAccess.Write);
        unit.AssertRefused(0x1000_4000);
        unit.AssertRefused(0x2000_0000);
        unit.Section(0x1040_0000, 0x8040_0000);
        unit.Section(0xFFC0_0000, 0xC000_0000);
        unit.Write(0x34, 0); // the PTC has the words around the first link
        unit.AssertRefused(0x1080_0000);
        unit.AssertMapped(0x1047_8123, 0x8047_8123);
        unit.AssertMapped(0xFFFF_FFFF, 0xC03F_FFFF);
    }

    [Fact]
    public void The_low_bits_of_a_sections_frame_do_not_count()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        unit.Section(0x1000_0000, 0x8040_0000 + 0x12_3000);
        unit.AssertMapped(0x1000_0010, 0x8040_0010);
    }

    [Theory]
    [InlineData("tegra30", 0x0_F000_1000)]
    [InlineData("tegra114", 0x0_F000_1000)]
    [InlineData("tegra124", 0x3_F000_1000)]
    [InlineData("tegra210", 0x3_F000_1000)]
    public void Frames_have_as_many_bits_as_the_soc(string soc, ulong expected)
    {
        using var unit = new TegraHarness(Options(soc));
        unit.Start();
        unit.Link(0x1000_0000);
        unit.Page(0x1000_0000, 0x3_F000_1000);
        unit.AssertMapped(0x1000_0000, expected);
    }

    [Theory]
    [InlineData(0xE000_0000, 0xE000_0000, 0xE000_0000, true, true)]
    [InlineData(0xE000_0000, 0xE000_0000, 0xA000_0000, true, false)]
    [InlineData(0xE000_0000, 0xE000_0000, 0x6000_0000, false, true)]
    [InlineData(0xE000_0000, 0xA000_0000, 0xE000_0000, true, false)]
    [InlineData(0x6000_0000, 0xE000_0000, 0xE000_0000, false, true)]
    [InlineData(0xE000_0000, 0xE000_0000, 0xC000_0000, false, false)] // secure accesses only
    [InlineData(0xE000_0000, 0xC000_0000, 0xE000_0000, false, false)]
    [InlineData(0xE000_0000, 0xE000_0000, 0x2000_0000, false, false)]
    [InlineData(0x0000_0000, 0xE000_0000, 0xE000_0000, false, false)]
    public void Rights_of_all_levels_count(uint root, uint link, uint page, bool reads, bool writes)
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        unit.SetDirectory(0, rights: root);
        unit.Link(0x1000_0000, rights: link);
        unit.Page(0x1000_0000, 0x8030_0000, page);
        for (var round = 0; round < 2; round++)
        {
            // Once from the tables, once from the TLB.
            Assert.Equal(reads ? TranslationStatus.Ok : TranslationStatus.Aborted, unit.Translate(0x1000_0000, DmaAccess.Read, out _));
            Assert.Equal(writes ? TranslationStatus.Ok : TranslationStatus.Aborted, unit.Translate(0x1000_0000, DmaAccess.Write, out _));
        }
    }

    [Fact]
    public void Secure_accesses_pass_whatever_the_attribute_says()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra210) { Flags = AccessFlags.Secure };
        unit.Start();
        unit.Link(0x1000_0000);
        unit.Page(0x1000_0000, 0x8030_0000, TegraDescriptor.ReadableBit);
        unit.AssertMapped(0x1000_0000, 0x8030_0000);
        unit.AssertRefused(0x1000_0000, DmaAccess.Write);
        Assert.True(new TegraErrorStatus(unit.Read(8)).IsSecure);
    }

    [Fact]
    public void Three_switches_have_to_be_on_for_a_translation()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        var register = unit.Soc.FindSwgroup(unit.Swgroup)!.Value.AsidRegister;
        var client = unit.Soc.FindClient(unit.Swgroup, isWrite: true)!.Value;
        unit.AssertRefused(0x1000_0000);
        unit.Write(0x10, 0);
        unit.AssertMapped(0x1000_0000, 0x1000_0000);
        unit.Write(0x10, 1);
        unit.Write(register, 0);
        unit.AssertMapped(0x1000_0000, 0x1000_0000);
        unit.Write(register, 0x8000_0000);

        // The swgroup's two clients have a bit each.
        unit.Write(client.EnableRegister, unit.Read(client.EnableRegister) & ~client.EnableBit);
        unit.AssertMapped(0x1000_0000, 0x1000_0000, DmaAccess.Write);
        unit.AssertRefused(0x1000_0000);
        unit.AssertMapped(0x1000_0000, 0x1000_0000, DmaAccess.Write, TegraSmmu.FirstClientStream + client.Id);
    }

    [Fact]
    public void Firmware_leaves_the_swgroups_alone_to_decide()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra210);
        Assert.Equal(1u, unit.Read(0x10));
        Assert.Equal(uint.MaxValue, unit.Read(0xB98));
        unit.AssertMapped(0x1000_0000, 0x1000_0000);
        unit.Write(unit.Soc.FindSwgroup(unit.Swgroup)!.Value.AsidRegister, 0x8000_0000);
        unit.AssertRefused(0x1000_0000);
    }

    [Theory]
    [MemberData(nameof(Socs))]
    public void Every_swgroup_goes_by_its_own_register_and_address_space(string soc)
    {
        using var unit = new TegraHarness(Options(soc));
        unit.Enable();
        unit.Link(0x1000_0000);
        for (var asid = 0; asid < 4; asid++)
        {
            unit.SetDirectory(asid, TegraHarness.Directory + ((ulong)asid * 0x2000));
            unit.Link(0x1000_0000, TegraHarness.Table + ((ulong)asid * 0x2000), TegraHarness.Directory + ((ulong)asid * 0x2000));
            unit.Page(0x1000_0000, 0x8020_0000 + ((ulong)asid << 12), table: TegraHarness.Table + ((ulong)asid * 0x2000));
        }

        var swgroups = unit.Soc.Swgroups;
        for (var i = 0; i < swgroups.Count; i++)
            unit.Route(swgroups[i].Id, i % 4);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < swgroups.Count; i++)
            {
                unit.AssertMapped(0x1000_0000, 0x8020_0000 + ((ulong)(i % 4) << 12), stream: swgroups[i].Id);
                foreach (var client in unit.Soc.Clients.Where(client => client.Swgroup == swgroups[i].Id))
                    unit.AssertMapped(0x1000_0008, 0x8020_0008 + ((ulong)(i % 4) << 12), stream: TegraSmmu.FirstClientStream + client.Id);
            }
        }
    }

    [Fact]
    public void Clients_without_an_enable_bit_and_streams_that_do_not_exist_pass()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra114);
        unit.Start();
        var cpu = unit.Soc.Clients.Single(client => client.Name == "mpcorer");
        unit.AssertMapped(0x9000_0000, 0x9000_0000, stream: TegraSmmu.FirstClientStream + cpu.Id);
        unit.AssertMapped(0x9000_0000, 0x9000_0000, stream: 99);
        unit.AssertMapped(0x9000_0000, 0x9000_0000, stream: uint.MaxValue);
    }

    [Fact]
    public void Addresses_beyond_the_space_are_refused()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        unit.AssertRefused(0x2_1000_0000);
        Assert.Equal(0x2_0000_0000u, new TegraErrorStatus(unit.Read(8)).AddressHigh);
        unit.AssertMapped(0x2_1000_0000, 0x2_1000_0000, stream: unit.Other);
        unit.AssertRefused(0x4_0000_0000, stream: unit.Other);
    }

    [Fact]
    public void A_table_where_no_memory_is_is_a_decode_error()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        unit.Link(0x1000_0000, 0x4000_0000);
        Assert.Equal(TranslationStatus.Aborted, unit.Translate(0x1000_0040, DmaAccess.Read, out _));
        Assert.Equal(0x40u, unit.Read(0));
        Assert.Equal(TegraErrorKind.DecodeError, new TegraErrorStatus(unit.Read(8)).Kind);
        unit.SetDirectory(0, 0x4000_0000);
        Assert.Equal(TranslationStatus.Aborted, unit.Translate(0x1000_0040, DmaAccess.Read, out _));
    }

    [Fact]
    public void Masters_on_the_ahb_wait_for_the_arbiters_leave()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        unit.Start();
        var ppcs = unit.Soc.Swgroups.Single(swgroup => swgroup.Name == "ppcs").Id;
        unit.Route(ppcs, 0);
        var arbiter = new TegraAhb(unit.Unit, 0x150);
        unit.AssertMapped(0x1000_0000, 0x1000_0000, stream: ppcs);
        unit.AssertRefused(0x1000_0000);
        Assert.True(arbiter.TryWrite(0xE0, 4, 1 << 17));
        unit.AssertRefused(0x1000_0000, stream: ppcs);
        Assert.True(arbiter.TryRead(0xE0, 4, out var value));
        Assert.Equal(1ul << 17, value);
        arbiter.SetPower(false);
        Assert.False(arbiter.TryRead(0xE0, 4, out _));
        unit.AssertMapped(0x1000_0000, 0x1000_0000, stream: ppcs);
    }
}
