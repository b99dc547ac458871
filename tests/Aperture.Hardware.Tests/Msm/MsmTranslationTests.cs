using Aperture.Core;
using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Msm;

public class MsmTranslationTests
{
    [Fact]
    public void Every_page_size_is_walked_kept_and_hit()
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000_3000, 0x8020_1000);
        for (var i = 0u; i < 16; i++)
        {
            rig.Store(MsmRig.L2(0) + ((0x10 + i) << 2), 0x8021_0000 | 0x1C3D);           // 64 KiB at 0x10010000
            rig.MapSection(0x1200_0000 + (i << 20), 0x8100_0000, 0x7_1C0E);              // 16 MiB
        }

        rig.MapSection(0x1010_0000, 0x8030_0000);
        (uint Iova, uint Target, ulong Left)[] cases =
        [
            (0x1000_3123, 0x8020_1123, 0xEDD), (0x1001_F004, 0x8021_F004, 0xFFC), (0x1018_0010, 0x8038_0010, 0x7_FFF0),
                (0x12AB_CDE0, 0x81AB_CDE0, 0x54_3220),
        ];
        foreach (var (iova, target, left) in cases)
        {
            for (var round = 0; round < 2; round++)
            {
                Assert.Equal(TranslationStatus.Ok,
                    rig.Unit.Translate(new BusRequest(default, new Iova(iova), DmaAccess.Write), out var physical, out var contiguous));
                Assert.Equal((target, left), (physical.Value, contiguous));
            }
        }

        Assert.Equal((4ul, 4ul, 0ul), (rig.Unit.Counters.Hits, rig.Unit.Counters.Misses, rig.Unit.Counters.Faults));
    }

    [Fact]
    public void Banks_translate_by_their_own_tables_at_once()
    {
        using var rig = new MsmRig(new() { Banks = 4 });
        for (var bank = 0; bank < 4; bank++)
        {
            rig.Start(bank, (uint)(bank * 3));
            rig.Map(0x1000_0000, MsmRig.Ram + ((uint)bank << 12), bank: bank);
        }

        for (var round = 0; round < 3; round++)
        {
            for (var bank = 0u; bank < 4; bank++)
                Assert.Equal(MsmRig.Ram + (bank << 12), rig.Read(0x1000_0000, bank * 3));
        }

        Assert.Equal((8ul, 4ul), (rig.Unit.Counters.Hits, rig.Unit.Counters.Misses));
    }

    [Fact]
    public void A_stale_entry_stays_until_it_is_invalidated()
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000));
        rig.Map(0x1000_0000, 0x8030_0000);
        rig[0, MsmContextRegisters.TableBase0] = MsmRig.L1(0) + 2;
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000));
        rig[0, MsmContextRegisters.InvalidateAddress] = 0x1000_0000;
        Assert.Equal(0x8030_0000u, rig.Read(0x1000_0000));
    }

    [Fact]
    public void Banks_with_one_asid_share_entries_as_entries_do_not_know_their_bank()
    {
        using var rig = new MsmRig().Start(0, 0).Start(1, 1);
        rig[1, MsmContextRegisters.ContextId] = 0;
        rig.Map(0x1000_0000, 0x8020_0000, bank: 0);
        rig.Map(0x1000_0000, 0x8030_0000, bank: 1);
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000, 0));
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000, 1));
        rig[MsmGlobalRegisters.ContextAttributesOf(1)] = 3 << 16; // another VMID
        Assert.Equal(0x8030_0000u, rig.Read(0x1000_0000, 1));
    }

    [Fact]
    public void A_global_page_is_for_every_asid_of_its_vmid()
    {
        using var rig = new MsmRig().Start(0, 0).Start(1, 1);
        rig.Map(0x1000_0000, 0x8020_0000, MsmRig.SmallPage & ~(1u << 11), bank: 0);
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000, 0));
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000, 1));
        rig[MsmGlobalRegisters.ContextAttributesOf(1)] = 3 << 16;
        Assert.Null(rig.Read(0x1000_0000, 1));
    }

    [Theory]
    [InlineData(1u, 0x7FFF_F000u, 0x8000_0000u)]
    [InlineData(3u, 0x1FFF_F000u, 0x2000_0000u)]
    [InlineData(7u, 0x01FF_F000u, 0x0200_0000u)]
    public void Ttbcr_splits_the_addresses_between_two_tables(uint split, uint lower, uint upper)
    {
        using var rig = new MsmRig().Start();
        rig[0, MsmContextRegisters.TableControl] = split;
        rig[0, MsmContextRegisters.TableBase1] = MsmRig.L1(1) | 2;
        rig.Map(lower, 0x8020_0000, bank: 0);
        rig.Map(upper, 0x8030_0000, bank: 1);
        Assert.Equal(0x8020_0000u, rig.Read(lower));
        Assert.Equal(0x8030_0000u, rig.Read(upper));

        rig[MsmGlobalRegisters.InvalidateAll] = 0;
        rig[0, MsmContextRegisters.AuxiliaryControl] = MsmAuxiliaryControl.MissWalks;
        rig[0, MsmContextRegisters.TableControl] = split | ArmTableControl.Disable0Bit;
        Assert.Equal((null, 0x8030_0000u), (rig.Read(lower), rig.Read(upper)));
        Assert.Equal(MsmFault.Translation, rig.Fault());
        rig[MsmGlobalRegisters.InvalidateAll] = 0;
        rig[0, MsmContextRegisters.TableControl] = split | ArmTableControl.Disable1Bit;
        Assert.Equal((0x8020_0000u, null), (rig.Read(lower), rig.Read(upper)));
    }

    [Theory]
    [InlineData(0u, true, "prw")]
    [InlineData(1u, true, "prw urw")]
    [InlineData(2u, true, "pr")]
    [InlineData(3u, true, "pr ur")]
    [InlineData(0u, false, "")]
    [InlineData(1u, false, "prw")]
    [InlineData(2u, false, "prw ur")]
    [InlineData(3u, false, "prw urw")]
    [InlineData(4u, false, "")]
    [InlineData(5u, false, "pr")]
    [InlineData(6u, false, "pr ur")]
    [InlineData(7u, false, "pr ur")]
    public void Access_permissions(uint permission, bool hasAccessFlag, string allowed)
    {
        var ap = hasAccessFlag ? (permission << 1) | 1 : permission;
        var entry = 0xC02u | ((ap & 3) << 4) | ((ap & 4) << 7) | 0x40;
        foreach (var isPrivileged in new[] { false, true })
        {
            using var rig = new MsmRig(new() { MastersArePrivileged = isPrivileged })
                .Start(system: hasAccessFlag ? 7u : 3u, auxiliary: MsmAuxiliaryControl.MissWalks);
            rig.Map(0x1000_0000, 0x8020_0000, entry);
            var rights = allowed.Split(' ').FirstOrDefault(right => right.StartsWith(isPrivileged ? 'p' : 'u')) ?? "";
            (DmaAccess Access, char Letter, AccessFlags Flags)[] kinds =
            [
                (DmaAccess.Read, 'r', AccessFlags.None), (DmaAccess.Write, 'w', AccessFlags.None),
                    (DmaAccess.Read, 'r', AccessFlags.Instruction),
            ];
            foreach (var (access, letter, flags) in kinds)
            {
                for (var round = 0; round < 2; round++)
                {
                    rig[0, MsmContextRegisters.FaultStatusRestore] = 0;
                    var isAllowed = rights.Contains(letter, StringComparison.Ordinal);
                    Assert.Equal(isAllowed ? TranslationStatus.Ok : TranslationStatus.Aborted,
                        rig.Translate(0x1000_0000, access, out _, flags: flags));
                    Assert.Equal(isAllowed ? MsmFault.None : MsmFault.Permission, rig.Fault() & ~MsmFault.SecondLevel);
                }
            }
        }
    }

    [Fact]
    public void A_fetch_needs_a_page_that_may_be_executed()
    {
        using var rig = new MsmRig().Start(auxiliary: MsmAuxiliaryControl.MissWalks);
        rig.Map(0x1000_0000, 0x8020_0000, MsmRig.SmallPage | 1);
        Assert.Equal(TranslationStatus.Ok, rig.Translate(0x1000_0000, DmaAccess.Read, out _));
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x1000_0000, DmaAccess.Read, out _, flags: AccessFlags.Instruction));
        Assert.True(new MsmTransaction(rig[0, MsmContextRegisters.FaultTransaction]).IsFetch);
    }

    [Fact]
    public void Access_flags_fault_or_are_ignored_or_set()
    {
        using var rig = new MsmRig().Start(auxiliary: MsmAuxiliaryControl.MissWalks);
        rig.Map(0x1000_0000, 0x8020_0000, MsmRig.SmallPage & ~0x10u);
        rig.MapSection(0x2000_0000, 0x8030_0000, 0x3_1C0E & ~0x400u);
        Assert.Null(rig.Read(0x1000_0000));
        Assert.Equal(MsmFault.AccessFlag | MsmFault.SecondLevel, rig.Fault());
        rig[0, MsmContextRegisters.FaultStatusRestore] = 0;
        Assert.Null(rig.Read(0x2000_0000));
        Assert.Equal(MsmFault.AccessFlag, rig.Fault());

        rig[0, MsmContextRegisters.SystemControl] = MsmSystemControl.Running | MsmSystemControl.FlagFaultDisabledBit;
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000));
        rig[MsmGlobalRegisters.InvalidateAll] = 0;
        rig[0, MsmContextRegisters.SystemControl] = MsmSystemControl.Running | MsmSystemControl.HardwareFlagBit;
        Assert.Equal((0x8020_0000u, 0x8030_0000u), (rig.Read(0x1000_0000), rig.Read(0x2000_0000)));
        Assert.Equal(0x8020_0000 | MsmRig.SmallPage, rig.Load(MsmRig.L2(0)));
        Assert.Equal(0x8033_1C0Eu, rig.Load(MsmRig.L1(0) + 0x800));
    }

    /// <summary>A13: the unit stored the word that it had read, with the flag set: what software had cleared meanwhile was mapped
    /// again.</summary>
    [Fact]
    public void An_entry_that_software_clears_while_the_unit_sets_its_access_flag_does_not_come_back()
    {
        const uint page = 0x8020_0000 | (MsmRig.SmallPage & ~0x10u);
        using var rig = new MsmRig().Start(
            auxiliary: MsmAuxiliaryControl.MissWalks, system: MsmSystemControl.Running | MsmSystemControl.HardwareFlagBit);
        rig.Map(0x1000_0000, 0x8020_0000);
        var isDone = false;
        long walks = 0, hits = 0;
        var walking = new Thread(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                rig[MsmGlobalRegisters.InvalidateAll] = 0;
                hits += rig.Read(0x1000_0000) is null ? 0 : 1;
                rig[0, MsmContextRegisters.FaultStatusRestore] = 0;
                Interlocked.Increment(ref walks);
            }
        });
        walking.Start();
        var back = 0;
        for (var i = 0; i < 1_000; i++)
        {
            rig.Store(MsmRig.L2(0), page);
            Thread.SpinWait(i % 64);
            rig.Store(MsmRig.L2(0), 0);
            var wait = default(SpinWait);
            for (var begun = Interlocked.Read(ref walks); Interlocked.Read(ref walks) < begun + 2;)
                wait.SpinOnce(sleep1Threshold: -1); // the walk that may have read the entry has ended
            back += rig.Load(MsmRig.L2(0)) == 0 ? 0 : 1;
        }

        Volatile.Write(ref isDone, true);
        walking.Join();
        Assert.Equal(0, back);
        Assert.NotEqual(0, hits);
    }

    [Fact]
    public void Tables_may_be_big_endian()
    {
        using var rig = new MsmRig().Start(system: MsmSystemControl.Running | MsmSystemControl.BigEndianBit);
        rig.Store(MsmRig.L1(0) + 0x400, System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(0x8033_1C0Eu));
        Assert.Equal(0x8031_2345u, rig.Read(0x1001_2345));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Bit_0_of_a_section_is_pxn_or_a_fault(bool exists)
    {
        using var rig = new MsmRig(new() { HasPrivilegedExecuteNever = exists }).Start();
        rig.MapSection(0x1000_0000, 0x8020_0000, 0x3_1C0F);
        Assert.Equal(exists ? 0x8020_0000u : null, rig.Read(0x1000_0000));
    }

    [Fact]
    public void Addresses_beyond_4_gib_are_aborted()
    {
        using var rig = new MsmRig().Start();
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(1UL << 32, DmaAccess.Read, out _));
        Assert.Equal(TranslationStatus.Aborted, rig.Translate((1UL << 52) | 0x1000_0000, DmaAccess.Read, out _));
        Assert.Equal(MsmFault.None, rig.Fault());
    }

    [Fact]
    public void Without_allocation_nothing_is_kept()
    {
        using var rig = new MsmRig().Start(auxiliary: MsmAuxiliaryControl.Running | MsmAuxiliaryControl.NoAllocationBit);
        rig.Map(0x1000_0000, 0x8020_0000);
        Assert.Equal(0x8020_0000u, rig.Read(0x1000_0000));
        rig.Map(0x1000_0000, 0x8030_0000);
        Assert.Equal(0x8030_0000u, rig.Read(0x1000_0000));
    }

    [Fact]
    public void Power_and_reset_lose_everything_and_let_nothing_through()
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        Assert.NotNull(rig.Read(0x1000_0000));
        rig.Unit.SetPower(false);
        Assert.False(rig.Unit.TryRead(MsmGlobalRegisters.Control, 4, out _));
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x1000_0000, DmaAccess.Read, out _));
        rig.Unit.SetPower(true);
        Assert.Equal(0u, rig[0, MsmContextRegisters.SystemControl]);
        Assert.Equal(MsmIdentification.Apq8064.Bits, rig[MsmGlobalRegisters.Identification]);
        Assert.Equal(0x1000_0000u, rig.Read(0x1000_0000)); // as after reset: no translation
        rig.Start();
        rig.Unit.SetReset(true);
        Assert.Equal(TranslationStatus.Aborted, rig.Translate(0x1000_0000, DmaAccess.Read, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Without_clocks_registers_do_not_answer_and_accesses_go_on_unless_they_need_them(bool needsClock)
    {
        using var rig = new MsmRig(new() { TranslationNeedsClock = needsClock }).Start();
        rig.Map(0x1000_0000, 0x8020_0000);
        rig.Unit.IsClocked = false;
        Assert.False(rig.Unit.TryWrite(MsmGlobalRegisters.Control, 4, 0));
        Assert.Equal(needsClock ? null : 0x8020_0000u, rig.Read(0x1000_0000));
    }
}
