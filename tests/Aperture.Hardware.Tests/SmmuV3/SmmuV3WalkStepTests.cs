using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.SmmuV3;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>Tables that the unit keeps of its walks.</summary>
public sealed class SmmuV3WalkStepTests
{
    private const ulong At = 0x4000_0000;
    private const ulong Table2M = 1UL << 21; // what one table of the last level serves

    /// <summary>A page, and another one to which a new table leads in the place of the old one; the TLB holds neither.</summary>
    private static ulong Replace(SmmuV3Rig rig, ulong root, int startLevel, ulong bits)
    {
        var table = root;
        for (var level = startLevel; level < 2; level++)
            table = rig.Word(table + ((At >> (39 - (9 * level)) & 0x1FF) * 8)) & 0x0000_FFFF_FFFF_F000;
        var fresh = rig.Take(4096);
        rig.SetWord(fresh + 8, 0x9999_0000 | bits);
        var link = table + ((At >> 21 & 0x1FF) * 8);
        rig.SetWord(link, fresh | 3);
        return link;
    }

    [Fact]
    public void A_table_stays_until_a_command_that_is_not_for_leaves_only()
    {
        using var rig = new SmmuV3Rig();
        var (root, _) = rig.Attach(3);
        SmmuV3Command[] keeping =
        [
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, At, leafOnly: true),
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, At + Table2M, leafOnly: false), // another table
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 2, At, leafOnly: false),           // another address space
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, asid: 2),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, vmid: 1),
            SmmuV3Command.DropStreams(),
        ];
        SmmuV3Command[] dropping =
        [
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, At + 0x5000, leafOnly: false), // any of its addresses
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddressOfAll, 0, 0, At, leafOnly: false),
            SmmuV3Command.TlbRange(SmmuV3Opcode.TlbAddress, 0, 1, At - 0x1000, false, 1, 0, 2, 0),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, asid: 1),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll),
        ];
        foreach (var drop in dropping)
        {
            rig.Map(root, At, 0x8888_0000, SmmuV3Rig.Writable);
            rig.Map(root, At + 0x1000, 0x8888_1000, SmmuV3Rig.Writable);
            rig.Do(SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll));
            Assert.Equal(0x8888_0000ul, rig.Reaches(3, At));
            var (hits, misses) = rig.Unit.WalkSteps;
            Assert.Equal(0x8888_1000ul, rig.Reaches(3, At + 0x1000)); // from the kept table on
            Assert.Equal((hits + 1, misses), rig.Unit.WalkSteps);
            var link = Replace(rig, root, 0, SmmuV3Rig.Writable);
            foreach (var keep in keeping)
            {
                // The page goes from the TLB in any case, the table does not.
                rig.Do(keep, SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, At + 0x1000, leafOnly: true));
                Assert.Equal(0x8888_1000ul, rig.Reaches(3, At + 0x1000));
            }

            rig.Do(drop, SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, At + 0x1000, leafOnly: true));
            Assert.Equal(0x9999_0000ul, rig.Reaches(3, At + 0x1000));
            rig.SetWord(link, 0); // for the next round
        }
    }

    [Fact]
    public void Stage_2_keeps_tables_of_its_own()
    {
        using var rig = new SmmuV3Rig();
        var root = rig.Take(8192);
        rig.Set(4, SmmuV3Rig.Stage2(root, vmid: 9));
        rig.Map(root, At, 0x8888_0000, SmmuV3Rig.Stage2Writable, startLevel: 1);
        rig.Map(root, At + 0x1000, 0x8888_1000, SmmuV3Rig.Stage2Writable, startLevel: 1);
        Assert.Equal(0x8888_0000ul, rig.Reaches(4, At));
        Replace(rig, root, 1, SmmuV3Rig.Stage2Writable);
        rig.Do(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, vmid: 9)); // stage 1's
        Assert.Equal(0x8888_1000ul, rig.Reaches(4, At + 0x1000));
        rig.Do(SmmuV3Command.TlbPage(SmmuV3Opcode.TlbIntermediate, 9, 0, At + 0x1000, leafOnly: true));
        Assert.Equal(0x8888_1000ul, rig.Reaches(4, At + 0x1000));
        rig.Do(SmmuV3Command.TlbPage(SmmuV3Opcode.TlbIntermediate, 9, 0, At + 0x1000, leafOnly: false));
        Assert.Equal(0x9999_0000ul, rig.Reaches(4, At + 0x1000));
    }

    [Fact]
    public void A_unit_that_keeps_none_reads_all_tables()
    {
        using var rig = new SmmuV3Rig(new SmmuV3Options { WalkSteps = 0 });
        var (root, _) = rig.Attach(3);
        rig.Map(root, At, 0x8888_0000, SmmuV3Rig.Writable);
        rig.Map(root, At + 0x1000, 0x8888_1000, SmmuV3Rig.Writable);
        Assert.Equal(0x8888_0000ul, rig.Reaches(3, At));
        Replace(rig, root, 0, SmmuV3Rig.Writable);
        Assert.Equal(0x9999_0000ul, rig.Reaches(3, At + 0x1000));
        Assert.Equal(0ul, rig.Unit.WalkSteps.Hits);
    }

    [Fact]
    public void A_block_is_no_table_and_what_is_smaller_behind_it_is_found()
    {
        using var rig = new SmmuV3Rig();
        var (root, _) = rig.Attach(3);
        rig.Map(root, At, 0x8800_0000, SmmuV3Rig.Writable, level: 2);
        rig.Map(root, At + Table2M, 0x8888_0000, SmmuV3Rig.Writable);
        Assert.Equal(0x8800_1000ul, rig.Reaches(3, At + 0x1000));
        Assert.Equal(0x8888_0000ul, rig.Reaches(3, At + Table2M));
        Assert.Equal((0ul, 2ul), rig.Unit.WalkSteps);
        rig.Do(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, asid: 1));
        Assert.Equal(0x8800_1000ul, rig.Reaches(3, At + 0x1000));
        Assert.Equal((0ul, 3ul), rig.Unit.WalkSteps);
    }
}
