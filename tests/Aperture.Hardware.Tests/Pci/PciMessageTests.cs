using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Pci;

namespace Aperture.Hardware.Tests.Pci;

/// <summary>MSI, MSI-X and INTx.</summary>
public sealed class PciMessageTests : IDisposable
{
    private const ulong Table = PciRig.Window + 0x1_0000;
    private static readonly PciAddress s_first = new(0, 1, 0);

    private readonly PciRig _rig = new();
    private readonly WordBlock _block = new();
    private readonly PciFunction _function;

    public PciMessageTests()
    {
        _function = new PciFunction(_rig.Bus, new PciIdentity(1, 2), new PciFunctionOptions { MsiVectors = 4, MsixVectors = 70 });
        _function.AddBar(0, new PciBar(_block));
        _function.Connect(_block.Interrupt);
        _rig.Host.Root.Add(_function, 1);
        _rig.Enable(s_first, (uint)PciRig.Window);
        _rig.Enable(s_first, (uint)Table, number: 4);
    }

    public void Dispose() => _rig.Dispose();

    private uint EnableMsi(int logVectors)
    {
        var msi = _rig.Find(s_first, CapabilityId.Msi);
        _rig.Write32(s_first, msi + MsiRegisters.Address, (uint)PciRig.Ram + 0x103);
        _rig.Write16(s_first, msi + MsiRegisters.Data, 0x77);
        _rig.Write16(s_first, msi + MsiRegisters.Control, (ushort)(MsiControl.Enable | logVectors << 4));
        return msi;
    }

    private void Entry(int vector, uint data, uint control)
    {
        var at = new PhysicalAddress(Table + ((uint)vector * MsixRegisters.EntryLength));
        Assert.True(_rig.Bus.TryWriteRegister(at, 8, PciRig.Ram + 0x200));
        Assert.True(_rig.Bus.TryWriteRegister(at + MsixRegisters.Data, 4, data));
        Assert.True(_rig.Bus.TryWriteRegister(at + MsixRegisters.EntryControl, 4, control));
    }

    [Fact]
    public void An_MSI_is_a_write_with_the_vector_in_its_low_bits()
    {
        _function.Raise(0);
        Assert.Equal(0u, _rig.Word(PciRig.Ram + 0x100));
        EnableMsi(2);
        _function.Raise(2);
        Assert.Equal(0x76u, _rig.Word(PciRig.Ram + 0x100));
        EnableMsi(0);
        _function.Raise(2);
        Assert.Equal(0x77u, _rig.Word(PciRig.Ram + 0x100)); // one vector for all
    }

    [Fact]
    public void A_masked_MSI_stays_pending_and_comes_once()
    {
        var msi = EnableMsi(2);
        _rig.Write32(s_first, msi + MsiRegisters.Mask, 0b0110);
        _function.Raise(1);
        _function.Raise(1);
        Assert.Equal((0b0010u, 0u), (_rig.Read32(s_first, msi + MsiRegisters.Pending), _rig.Word(PciRig.Ram + 0x100)));
        _rig.Write32(s_first, msi + MsiRegisters.Mask, 0);
        Assert.Equal((0u, 0x75u), (_rig.Read32(s_first, msi + MsiRegisters.Pending), _rig.Word(PciRig.Ram + 0x100)));
        Assert.True(_rig.Bus.TryWrite(new PhysicalAddress(PciRig.Ram + 0x100), new byte[4]));
        _rig.Write32(s_first, msi + MsiRegisters.Mask, 0b0110);
        _rig.Write32(s_first, msi + MsiRegisters.Mask, 0);
        Assert.Equal(0u, _rig.Word(PciRig.Ram + 0x100));
    }

    [Fact]
    public void A_message_needs_bus_mastering()
    {
        EnableMsi(0);
        _rig.Enable(s_first, 0, PciCommand.MemorySpace);
        _function.Raise(0);
        Assert.Equal(0u, _rig.Word(PciRig.Ram + 0x100));
    }

    [Fact]
    public void MSIX_has_a_mask_for_each_vector_and_one_for_all()
    {
        var control = _rig.Find(s_first, CapabilityId.Msix) + MsixRegisters.Control;
        Entry(65, 0xABCD, MsixRegisters.EntryMasked);
        _rig.Write16(s_first, control, MsixControl.Enable | MsixControl.MaskAll);
        _function.Raise(65);
        var pending = _rig.Read32(s_first, control - MsixRegisters.Control + MsixRegisters.Pending) & ~MsixRegisters.BarMask;
        Assert.Equal(2u, _rig.Word(Table + pending + 8));
        Entry(65, 0xABCD, 0);
        Assert.Equal(0u, _rig.Word(PciRig.Ram + 0x200));
        _rig.Write16(s_first, control, MsixControl.Enable);
        Assert.Equal((0xABCDu, 0u), (_rig.Word(PciRig.Ram + 0x200), _rig.Word(Table + pending + 8)));
        Assert.Equal(1ul, _function.Messages[65].Sent);
        Assert.Throws<ArgumentOutOfRangeException>(() => _function.Raise(70));
    }

    [Fact]
    public void A_reset_masks_every_vector()
    {
        var control = _rig.Find(s_first, CapabilityId.Msix) + MsixRegisters.Control;
        Entry(0, 1, 0);
        _rig.Write16(s_first, control, MsixControl.Enable);
        var express = _rig.Find(s_first, CapabilityId.Express);
        _rig.Write16(s_first, express + ExpressRegisters.DeviceControl, ExpressRegisters.InitiateReset);
        _rig.Enable(s_first, (uint)Table, number: 4);
        Assert.Equal(MsixRegisters.EntryMasked, _rig.Word(Table + MsixRegisters.EntryControl));
        Assert.Equal((ushort)69, _rig.Read16(s_first, control));
        _function.Raise(0);
        Assert.Equal(0ul, _function.Messages[0].Sent);
    }

    [Fact]
    public void The_line_is_driven_while_messages_are_off_and_software_allows_it()
    {
        var line = _rig.Host.Lines[1]; // device 1, INTA
        _block.Interrupt.Set(true);
        Assert.True(line.IsAsserted);
        Assert.Equal(PciStatus.Interrupt, (PciStatus)_rig.Read16(s_first, PciRegisters.Status) & PciStatus.Interrupt);
        _rig.Enable(s_first, 0, PciCommand.MemorySpace | PciCommand.InterruptDisable);
        Assert.False(line.IsAsserted);
        _rig.Enable(s_first);
        Assert.True(line.IsAsserted);
        EnableMsi(0);
        Assert.False(line.IsAsserted);
        Assert.Equal(0u, _rig.Word(PciRig.Ram + 0x100)); // it rose before
        _block.Interrupt.Set(false);
        _block.Interrupt.Set(true);
        Assert.Equal(0x77u, _rig.Word(PciRig.Ram + 0x100));
        _rig.Host.Root.Remove(_function);
        Assert.False(line.IsAsserted);
    }

    [Fact]
    public void Lines_are_turned_by_bridges()
    {
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort);
        var function = new PciFunction(_rig.Bus, new PciIdentity(1, 2), new PciFunctionOptions { InterruptPin = 3 });
        var block = new WordBlock();
        function.Connect(block.Interrupt);
        port.Secondary.Add(function, 0);
        _rig.Host.Root.Add(port, 6);
        block.Interrupt.Set(true);
        Assert.Equal([true, false, false, false], _rig.Host.Lines.Select(line => line.IsAsserted)); // INTC, turned by 6
    }
}
