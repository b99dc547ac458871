using Aperture.Datasheets.Msm;
using Aperture.Hardware.Msm;

namespace Aperture.Hardware.Tests.Msm;

public class MsmInvalidationTests
{
    private const uint Page = 0x1000_0000;

    /// <summary>Banks 0 and 1 with VMID 0, bank 2 with VMID 5; bank 1 also has a global page at 0x1000_1000.</summary>
    private static MsmRig Filled(MsmIommuOptions? options = null)
    {
        var rig = new MsmRig((options ?? new()) with { Banks = 3 });
        for (var bank = 0; bank < 3; bank++)
        {
            rig.Start(bank, (uint)bank);
            rig.Map(Page, MsmRig.Ram, bank: bank);
        }

        rig[MsmGlobalRegisters.ContextAttributesOf(2)] = 5 << 16;
        rig.Map(Page + 0x1000, MsmRig.Ram, MsmRig.SmallPage & ~(1u << 11), bank: 1);
        for (var bank = 0u; bank < 3; bank++)
            Assert.NotNull(rig.Read(Page, bank));
        Assert.NotNull(rig.Read(Page + 0x1000, 1));
        return rig;
    }

    /// <summary>Which entries are left: a letter for the page of each bank, G for the global one.</summary>
    private static string Left(MsmRig rig)
    {
        var left = "";
        for (var i = 0u; i < 4; i++)
        {
            rig[MsmGlobalRegisters.TlbSelect] = i;
            if (new MsmTlbTag(rig[MsmGlobalRegisters.TlbTag]).IsValid)
                left += "012G"[(int)i];
        }

        return left;
    }

    [Theory]
    [InlineData(MsmGlobalRegisters.InvalidateAll, 0u, "")]
    [InlineData(MsmGlobalRegisters.InvalidateVmid, 0u, "2")]
    [InlineData(MsmGlobalRegisters.InvalidateVmid, 5u, "01G")]
    [InlineData(MsmGlobalRegisters.InvalidateVmid, 4u, "012G")]
    [InlineData(0x0_0800u, 0u, "12")]                 // CTX_TLBIALL of bank 0: its ASID, and the global entry of its VMID
    [InlineData(0x1_000u + 0x800u, 0u, "02")]
    [InlineData(0x2_000u + 0x800u, 0u, "01G")]
    [InlineData(0x0_0804u, 0u, "12G")]                // TLBIASID
    [InlineData(0x0_0804u, 1u, "02G")]
    [InlineData(0x0_0804u, 2u, "012G")]               // the ASID of another VMID
    [InlineData(0x2_000u + 0x804u, 2u, "01G")]
    [InlineData(0x0_0808u, Page | 0, "12G")]          // TLBIVA
    [InlineData(0x0_0808u, Page | 1, "02G")]
    [InlineData(0x0_0808u, Page + 0x1000, "012")]     // a global entry goes whatever the ASID
    [InlineData(0x0_0808u, Page + 0x2000, "012G")]
    [InlineData(0x0_080Cu, Page, "2G")]               // TLBIVAA
    [InlineData(0x2_000u + 0x80Cu, Page, "01G")]
    public void What_each_register_removes(uint offset, uint value, string left)
    {
        using var rig = Filled();
        rig[offset] = value;
        Assert.Equal(left, Left(rig));
    }

    [Fact]
    public void Ctx_tlbiall_may_mean_the_vmid()
    {
        using var rig = Filled(new() { ContextInvalidation = MsmContextInvalidation.Vmid });
        rig[0, MsmContextRegisters.InvalidateAll] = 0;
        Assert.Equal("2", Left(rig));
    }

    [Theory]
    [InlineData(0u, MsmContextRegisters.InvalidateAll, 0u, "01", "2")]
    [InlineData(MsmTlbLock.AllInvalidatesLockedBit, MsmContextRegisters.InvalidateAll, 0u, "1", "2")]
    [InlineData(0u, MsmContextRegisters.InvalidateAsid, 0u, "01", "2G")]
    [InlineData(MsmTlbLock.AsidInvalidatesLockedBit, MsmContextRegisters.InvalidateAsid, 0u, "1", "2G")]
    [InlineData(0u, MsmContextRegisters.InvalidateAddressAnyAsid, Page, "01", "2G")]
    [InlineData(MsmTlbLock.AddressInvalidatesLockedBit, MsmContextRegisters.InvalidateAddress, Page, "1", "2G")]
    public void Locked_entries_stay_unless_asked_for(uint configuration, uint register, uint value, string locked, string others)
    {
        using var rig = Filled();
        rig[MsmGlobalRegisters.Control] = MsmControl.LockWritableBit;
        rig[0, MsmContextRegisters.TlbLock] = MsmTlbLock.EnableBit | configuration | (2 << 8);
        rig[0, register] = value;
        Assert.Equal(locked + others, Left(rig));
    }

    [Fact]
    public void The_lock_can_be_written_only_when_cr_allows_it()
    {
        using var rig = new MsmRig();
        rig[0, MsmContextRegisters.TlbLock] = 0x301;
        Assert.Equal(0u, rig[0, MsmContextRegisters.TlbLock]);
        rig[MsmGlobalRegisters.Control] = MsmControl.LockWritableBit;
        rig[0, MsmContextRegisters.TlbLock] = 0x301;
        Assert.Equal(0x301u, rig[0, MsmContextRegisters.TlbLock]);
    }

    [Fact]
    public void Locked_entries_are_not_replaced()
    {
        using var rig = new MsmRig(new() { TlbEntries = 4 }).Start();
        for (var i = 0u; i < 16; i++)
            rig.Map(Page + (i << 12), MsmRig.Ram + (i << 12));
        rig.Read(Page);
        rig[MsmGlobalRegisters.Control] = MsmControl.LockWritableBit;
        rig[0, MsmContextRegisters.TlbLock] = MsmTlbLock.EnableBit | (1 << 8);
        for (var i = 1u; i < 16; i++)
            rig.Read(Page + (i << 12));
        rig[MsmGlobalRegisters.TlbSelect] = 0;
        Assert.Equal(Page, new MsmTlbTag(rig[MsmGlobalRegisters.TlbTag]).Page);
    }

    [Fact]
    public void A_large_page_goes_by_any_of_its_addresses()
    {
        using var rig = new MsmRig().Start();
        rig.MapSection(Page, 0x8020_0000);
        Assert.NotNull(rig.Read(Page));
        rig.Store(MsmRig.L1(0) + (Page >> 20 << 2), 0);
        rig[0, MsmContextRegisters.InvalidateAddress] = Page + 0x7_7000;
        Assert.Null(rig.Read(Page));
    }
}
