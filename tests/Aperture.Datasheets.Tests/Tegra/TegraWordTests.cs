using Aperture.Datasheets.Tegra;

namespace Aperture.Datasheets.Tests.Tegra;

public class TegraWordTests
{
    [Theory]
    [InlineData("tegra30", 3, 0x1234_5678u, 0xE000_0000u, 0xE001_2002u, 0xE001_2347u)]
    [InlineData("tegra114", 1, 0xFFFF_FFFFu, 0xA000_0000u, 0xA00F_FC02u, 0xA00F_FFFFu)]
    [InlineData("tegra124", 3, 0x1040_0000u, 0x8300_0000u, 0x8301_0402u, 0x8301_0403u)]
    [InlineData("tegra210", 127, 0x1000_3000u, 0xFF00_0000u, 0xFF01_0002u, 0xFF01_0003u)]
    public void Tlb_flushes(string name, int asid, uint address, uint all, uint section, uint group)
    {
        var soc = Soc(name);
        Assert.Equal(all, TegraTlbFlush.Asid(soc, asid).Value);
        Assert.Equal(section, TegraTlbFlush.Section(soc, asid, address).Value);
        var flush = TegraTlbFlush.Group(soc, asid, address);
        Assert.Equal(group, flush.Value);
        Assert.Equal((true, (uint)asid, address & 0xFFFF_C000, TegraTlbFlush.MatchGroup),
            (flush.MatchesAsid, flush.AsidOf(soc), flush.Address, flush.Match));
        Assert.Equal(0u, TegraTlbFlush.All.Value);
        Assert.False(TegraTlbFlush.All.MatchesAsid);
    }

    [Fact]
    public void Ptc_flushes()
    {
        Assert.Equal(0u, TegraPtcFlush.All.Value);
        Assert.False(TegraPtcFlush.All.IsByAddress);
        var flush = TegraPtcFlush.At(0x2_8000_1040);
        Assert.Equal((0x8000_1041u, true, 0x8000_1040u), (flush.Value, flush.IsByAddress, flush.Address));
    }

    [Theory]
    [InlineData(0x62000003u, 3u, false, false, 0ul, TegraErrorKind.InvalidSmmuPage, 0x2000_0000u)]
    [InlineData(0x6A010003u, 3u, true, false, 0ul, TegraErrorKind.InvalidSmmuPage, 0xA000_0000u)]
    [InlineData(0x64220003u, 3u, false, true, 0x2_0000_0000ul, TegraErrorKind.InvalidSmmuPage, 0x4000_0000u)]
    [InlineData(0x20010003u, 3u, true, false, 0ul, TegraErrorKind.DecodeError, 0u)]
    [InlineData(0x6000007Fu, 0x7Fu, false, false, 0ul, TegraErrorKind.InvalidSmmuPage, 0u)]
    public void Error_status(uint value, uint client, bool isWrite, bool isSecure, ulong high, TegraErrorKind kind, uint rights)
    {
        var status = new TegraErrorStatus(value);
        Assert.Equal((client, isWrite, isSecure, high, kind, rights),
            (status.Client(0x7F), status.IsWrite, status.IsSecure, status.AddressHigh, status.Kind, status.Descriptor.Value));
        Assert.Equal(status, TegraErrorStatus.Of(kind, client, isWrite, isSecure, high, new TegraDescriptor(rights)));
    }

    [Fact]
    public void Registers_of_swgroups_and_tables()
    {
        Assert.Equal(0x8000_0002u, TegraSwgroupAsid.For(2).Value);
        Assert.Equal((true, 0x7Fu), (new TegraSwgroupAsid(uint.MaxValue).IsEnabled, new TegraSwgroupAsid(uint.MaxValue).Asid));
        Assert.Equal(0xE008_0001u, TegraTableData.For(0x8000_1000));
        Assert.Equal(0xE028_0001u, TegraTableData.For(0x2_8000_1000));
        Assert.Equal(16, new TegraTlbConfig(0x10).Lines(Soc("tegra30")));
        Assert.Equal(0, new TegraTlbConfig(0x20).Lines(Soc("tegra30")));
    }

    private static TegraSoc Soc(string name) => TegraSoc.All.Single(soc => soc.Name == name);
}
