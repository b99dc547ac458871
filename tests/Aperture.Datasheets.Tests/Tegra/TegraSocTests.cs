using Aperture.Datasheets.Tegra;

namespace Aperture.Datasheets.Tests.Tegra;

/// <summary>The tables of the SoCs hold together. Their contents are compared with the recorded ones by the replay of soc_tables.</summary>
public class TegraSocTests
{
    public static TheoryData<string> Socs => [.. TegraSoc.All.Select(soc => soc.Name)];

    [Theory]
    [MemberData(nameof(Socs))]
    public void Numbers_and_registers_are_used_once(string name)
    {
        var soc = TegraSoc.All.Single(soc => soc.Name == name);
        Assert.Equal(soc, TegraSoc.Find(soc.Compatible));
        Assert.Equal(soc.Swgroups.Count, soc.Swgroups.Select(swgroup => swgroup.Id).Distinct().Count());
        Assert.Equal(soc.Swgroups.Count, soc.Swgroups.Select(swgroup => swgroup.AsidRegister).Distinct().Count());
        Assert.Equal(soc.Clients.Select(client => client.Id).Order().Distinct(), soc.Clients.Select(client => client.Id));
        Assert.All(soc.Clients, client =>
            Assert.True(client.Id <= soc.ClientMask && (!client.CanTranslate || soc.FindSwgroup(client.Swgroup) is not null), client.Name));
        Assert.All(soc.Groups.SelectMany(group => group.Swgroups), id => Assert.NotNull(soc.FindSwgroup(id)));
        Assert.Equal(Enumerable.Range(0, soc.HotResets.Count).Select(id => (uint)id), soc.HotResets.Select(reset => reset.Id));
        Assert.Equal(soc.HotResets.Count, soc.HotResets.Select(reset => (reset.Bank, reset.Bit)).Distinct().Count());
        Assert.All(soc.HotResets, reset => Assert.True(reset.Bank == 0 || soc.IsWide, reset.Name));
    }

    [Theory]
    [InlineData("tegra30", 16, 4, 32, 65, 18)]
    [InlineData("tegra114", 16, 4, 32, 65, 16)]
    [InlineData("tegra124", 23, 128, 34, 0, 24)]
    [InlineData("tegra210", 39, 128, 34, 0, 30)]
    public void Sizes(string name, int swgroups, int asids, int bits, int clients, int resets)
    {
        var soc = TegraSoc.All.Single(soc => soc.Name == name);
        Assert.Equal((swgroups, asids, bits, resets), (soc.Swgroups.Count, soc.Asids, soc.AddressBits, soc.HotResets.Count));
        if (clients != 0 && name != "tegra30")
            Assert.Equal(clients, soc.Clients.Count);
    }

    [Theory]
    [InlineData("hda", "hdar", "hdaw")]
    [InlineData("sata", "satar", "sataw")]
    [InlineData("vic", "vicsrd", "vicswr")]
    public void A_blocks_reads_and_writes_have_clients(string swgroup, string reader, string writer)
    {
        var soc = TegraSoc.Tegra124;
        var id = soc.Swgroups.Single(candidate => candidate.Name == swgroup).Id;
        Assert.Equal((reader, writer), (soc.FindClient(id, false)!.Value.Name, soc.FindClient(id, true)!.Value.Name));
        Assert.Null(soc.FindClient(99, false));
    }

    [Theory]
    [InlineData("tegra30", 0x540)]
    [InlineData("tegra124", 0x13D40)]
    [InlineData("tegra210", 0x13D40)]
    public void Interrupt_masks(string name, uint mask) =>
        Assert.Equal(mask, (uint)TegraSoc.All.Single(soc => soc.Name == name).Interrupts);
}
