using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Msm;

namespace Aperture.Hardware.Tests.Msm;

public class MsmRegisterTests
{
    [Fact]
    public void Reset_values()
    {
        using var rig = new MsmRig();
        Assert.Equal(0x1_0002u, rig[MsmGlobalRegisters.Revision]);
        Assert.Equal(0x1F3F_3001u, rig[MsmGlobalRegisters.Identification]);
        for (var offset = 0u; offset < MsmGlobalRegisters.WindowSize; offset += 4)
            Assert.Equal(offset is MsmGlobalRegisters.Revision ? 0x1_0002u : offset is MsmGlobalRegisters.Identification ? 0x1F3F_3001u
                : 0, rig[offset]);
    }

    [Theory]
    [InlineData(MsmGlobalRegisters.Revision)]
    [InlineData(MsmGlobalRegisters.Identification)]
    [InlineData(MsmGlobalRegisters.TlbTag)]
    [InlineData(MsmContextRegisters.FaultIds)]
    [InlineData(MsmContextRegisters.FaultTransaction)]
    [InlineData(0x0_2000u)] // a third bank
    [InlineData(0x8_0000u)]
    public void Registers_that_cannot_be_written(uint offset)
    {
        using var rig = new MsmRig();
        var before = rig[offset];
        rig[offset] = ~before;
        Assert.Equal(before, rig[offset]);
    }

    [Theory]
    [InlineData(MsmContextRegisters.SystemControl)]
    [InlineData(MsmContextRegisters.TableBase1)]
    [InlineData(MsmContextRegisters.PrimaryRemap)]
    [InlineData(MsmContextRegisters.Stride + MsmContextRegisters.BlockFetch)]
    [InlineData(MsmGlobalRegisters.TestBus)]
    [InlineData(MsmGlobalRegisters.ProtectionAccess)]
    [InlineData(MsmGlobalRegisters.MachineMap + 0x7C)]
    public void Registers_that_keep_what_is_written(uint offset)
    {
        using var rig = new MsmRig();
        rig[offset] = 0xA5A5_5A5A;
        Assert.Equal(0xA5A5_5A5Au, rig[offset]);
    }

    [Fact]
    public void Only_aligned_words_are_answered()
    {
        using var rig = new MsmRig();
        Assert.False(rig.Unit.TryRead(0, 8, out _));
        Assert.False(rig.Unit.TryRead(2, 4, out _));
        Assert.False(rig.Unit.TryWrite(0, 1, 0));
        Assert.False(rig.Unit.TryRead(MsmGlobalRegisters.WindowSize, 4, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Unit.Poke(MsmGlobalRegisters.WindowSize, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Unit.Poke(2, 0));
    }

    [Theory]
    [InlineData(0, 64, 2, "0")]
    [InlineData(129, 64, 2, "129")]
    [InlineData(2, 0, 2, "TLB entries, not 0")]
    [InlineData(2, 257, 2, "257")]
    [InlineData(2, 64, 0, "interrupt lines, not 0")]
    public void Options_that_no_unit_has_are_refused(int banks, int entries, int lines, string text)
    {
        using var rig = new MsmRig();
        var error = Assert.Throws<ApertureException>(() =>
            new MsmIommu(rig.Bus, new() { Banks = banks, TlbEntries = entries, InterruptLines = lines }));
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Translation_operations_answer_where_an_address_leads()
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        rig.MapSection(0x1200_0000, 0x8100_0000, 0x7_1C0E);
        Assert.Equal(0x8020_0000u, rig.Operate(0x1000_0000).Bits);
        Assert.Equal(0u, rig[0, MsmContextRegisters.TranslationStatus]);
        Assert.Equal(0x8020_0678u, rig.Operate(0x1000_0678).Translate(0x1000_0678));
        Assert.Equal(1u, rig[0, MsmContextRegisters.TranslationStatus]); // entry 0 hit: the first operation left it there
        Assert.Equal(0x810A_B002u, rig.Operate(0x120A_BCDE).Bits);
        Assert.Equal(0x810A_BCDEu, rig.Operate(0x120A_BCDE).Translate(0x120A_BCDE));
        Assert.Equal(0x101u, rig[0, MsmContextRegisters.TranslationStatus]);
        Assert.Equal(0x8100_0000u | 0x7_1C0E, rig[0, MsmContextRegisters.FirstLevelFetched]);
        Assert.Equal(0x8020_0000u | MsmRig.SmallPage, rig[0, MsmContextRegisters.SecondLevelFetched]);
    }

    [Theory]
    [InlineData(MsmContextRegisters.TranslatePrivilegedRead, false, false)]
    [InlineData(MsmContextRegisters.TranslatePrivilegedWrite, false, false)]
    [InlineData(MsmContextRegisters.TranslateUserRead, false, true)]
    [InlineData(MsmContextRegisters.TranslateUserWrite, false, true)]
    [InlineData(MsmContextRegisters.TranslatePrivilegedWrite, true, true)]
    [InlineData(MsmContextRegisters.TranslatePrivilegedRead, true, false)]
    public void Translation_operations_check_the_rights_of_what_they_ask_for(uint operation, bool isReadOnly, bool faults)
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000_0000, 0x8020_0000, (MsmRig.SmallPage & ~0x20u) | (isReadOnly ? 0x200u : 0)); // privileged only
        for (var round = 0; round < 2; round++)
        {
            var result = rig.Operate(0x1000_0000, operation);
            Assert.Equal(faults, result.IsFault);
            if (faults)
                Assert.Equal(MsmFault.Permission, result.Fault & ~MsmFault.SecondLevel);
        }

        Assert.Equal(MsmFault.None, rig.Fault());
    }

    [Fact]
    public void Translation_operations_that_fail_tell_why_as_recorded()
    {
        using var rig = new MsmRig().Start();
        Assert.Equal(0x3u, rig.Operate(0x1000_0000).Bits);
        rig.Store(MsmRig.L1(0) + 0x400, MsmRig.L2(0) | 1);
        Assert.Equal(0x1_0003u, rig.Operate(0x1000_0000).Bits);
        rig[0, MsmContextRegisters.TableBase0] = 0;
        Assert.Equal(0x43u, rig.Operate(0x1000_0000).Bits);
        rig[0, MsmContextRegisters.SystemControl] = 0;
        Assert.Equal(0x1000_0000u, rig.Operate(0x1000_0000).Bits);
    }

    [Fact]
    public void With_v2pcfg_other_than_3_a_miss_may_be_a_fault()
    {
        using var rig = new MsmRig(new() { OperationsAlwaysWalk = false })
            .Start(auxiliary: MsmAuxiliaryControl.MissWalks | MsmAuxiliaryControl.OperationTests);
        rig.Map(0x1000_0000, 0x8020_0000);
        Assert.Equal(0x11u, rig.Operate(0x1000_0000).Bits);
        rig.Read(0x1000_0000);
        Assert.Equal(0x8020_0000u, rig.Operate(0x1000_0000).Bits);
    }

    [Fact]
    public void A_unit_without_operations_answers_zero()
    {
        using var rig = new MsmRig(new() { HasOperations = false }).Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        Assert.Equal(0u, rig.Operate(0x1000_0000).Bits);
    }

    /// <summary>The memory types that drivers program: TEX[0], C, B = 1 is a device, 4 is not cached, 7 is write-back; others are strongly
    /// ordered.</summary>
    [Theory]
    [InlineData(0x000u, 1u, true)]
    [InlineData(0x004u, 3u, true)]
    [InlineData(0x040u, 0u, true)]
    [InlineData(0x04Cu, 5u, true)]
    [InlineData(0x008u, 1u, true)]
    public void Memory_attributes_follow_tex_remap(uint texCb, uint type, bool isShareable)
    {
        using var rig = new MsmRig(new() { ReportsAttributes = true }).Start();
        rig.Map(0x1000_0000, 0x8020_0000, (MsmRig.SmallPage & ~0x4Cu) | texCb);
        var result = rig.Operate(0x1000_0000).Bits;
        Assert.Equal((type, isShareable), (result >> 4 & 7, (result & 0x80) != 0));
        rig[MsmGlobalRegisters.TlbSelect] = 0;
        var rights = new MsmTlbRights(rig[MsmGlobalRegisters.TlbRights]);
        Assert.Equal((type, isShareable), (rights.MemoryType, rights.IsShareable));
    }

    [Theory]
    [InlineData(0x000u, 1u)] // strongly ordered
    [InlineData(0x004u, 3u)] // shareable device
    [InlineData(0x008u, 6u)] // write-through
    [InlineData(0x00Cu, 7u)] // write-back
    [InlineData(0x040u, 0u)] // not cached
    [InlineData(0x04Cu, 5u)] // write-back, allocating
    [InlineData(0x080u, 3u)] // device of its own
    [InlineData(0x10Cu, 7u)] // inner write-back, outer not cached
    [InlineData(0x144u, 5u)]
    public void Without_remap_they_are_those_of_the_architecture(uint texCb, uint type)
    {
        using var rig = new MsmRig(new() { ReportsAttributes = true })
            .Start(system: MsmSystemControl.EnableBit | MsmSystemControl.AccessFlagBit);
        rig.Map(0x1000_0000, 0x8020_0000, (MsmRig.SmallPage & ~0x1CCu) | texCb);
        Assert.Equal(type, rig.Operate(0x1000_0000).Bits >> 4 & 7);
    }

    [Fact]
    public void The_tlb_window_shows_an_entry()
    {
        using var rig = new MsmRig().Start(bank: 1, machine: 3);
        rig[MsmGlobalRegisters.ContextAttributesOf(1)] = 6 << 16;
        rig.MapSection(0x1230_0000, 0x8020_0000, bank: 1);
        rig.Read(0x1234_5000, 3);
        Assert.Equal(0x8020_0006u, rig[MsmGlobalRegisters.TlbTarget]);
        Assert.Equal(0x1230_0101u, rig[MsmGlobalRegisters.TlbTag]);
        Assert.Equal(0x22_0B8Fu, rig[MsmGlobalRegisters.TlbRights]);
        foreach (var selector in new[] { 1u, 200u, 0x100u })
        {
            rig[MsmGlobalRegisters.TlbSelect] = selector;
            Assert.Equal((0u, 0u, 0u),
                (rig[MsmGlobalRegisters.TlbTarget], rig[MsmGlobalRegisters.TlbTag], rig[MsmGlobalRegisters.TlbRights]));
        }
    }
}
