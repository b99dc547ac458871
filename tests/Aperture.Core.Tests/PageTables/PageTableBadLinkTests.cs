using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Links of a first-level table that lead to no table.</summary>
public abstract class PageTableBadLinkTests<TFormat, TKind>
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private const ulong Page = 4096;

    [Fact]
    public void A_link_out_of_RAM_is_a_bad_address()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<TFormat>(new TKind().NewFormat(machine), machine.Tables);
        var link = table.Format.MakeTable(0, new PhysicalAddress(0x1234_0000));
        machine.Poke(table.Root + (0x400UL * 4), (uint)link);
        machine.Poke(table.Root + (0x401UL * 4), (uint)table.Format.MakeTable(0, machine.Ram.Start + (32 << 20))); // RAM, but no table
        foreach (var iova in new[] { new Iova(0x4000_0000), new Iova(0x4010_0000) })
        {
            var gather = new InvalidationGather();
            Assert.Equal(Status.BadAddress, table.Map(iova, default, Page, Protection.ReadWrite, ref gather));
            Assert.False(table.TryTranslate(iova, out _));
            machine.Poke(machine.Ram.Start + (32 << 20), (uint)table.Format.MakeLeaf(1, 12, default, Protection.ReadWrite));
            Assert.Equal(Status.BadAddress, table.Unmap(iova, Page, ref gather, out var unmapped));
            Assert.Equal(0UL, unmapped);
            Assert.Equal(Status.BadAddress, table.Map(iova, default, 256 * Page, Protection.ReadWrite, ref gather));
        }
    }
}

public sealed class OmapBadLinkTests : PageTableBadLinkTests<OmapFormat, OmapKind>;

public sealed class ExynosV1BadLinkTests : PageTableBadLinkTests<ExynosFormat, ExynosV1Kind>;

public sealed class ExynosV5BadLinkTests : PageTableBadLinkTests<ExynosFormat, ExynosV5Kind>;

public sealed class ArmShortBadLinkTests : PageTableBadLinkTests<ArmShortFormat, ArmShortKind>;
