using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Drivers.Sd;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Sd;

/// <summary>What becomes of a card whose transfer failed.</summary>
public sealed class SdRecoveryTests
{
    [Fact]
    public void A_card_whose_transfer_failed_is_switched_off_and_brought_up_anew()
    {
        using var machine = new TestMachine("1000.mmc");
        var image = new byte[1 << 20];
        new Random(5).NextBytes(image);
        var unit = new PageUnit(machine.Bus);
        unit.Map(TestMachine.Ram, new PhysicalAddress(TestMachine.Ram), TestMachine.RamBytes);
        machine.Wire(new SdHost(new DmaPort(machine.Bus, unit), new SdCard(image)));
        var disk = machine.Bind<SdBlockDevice>(new SdHostDriver(["test,sdhci"]));
        var block = machine.Memory.Allocate(4096);
        using (machine.Device.Power.Hold()) // so that its power is not what switches it off
        {
            for (var round = 0; round < 3; round++)
            {
                Assert.Equal(Status.Ok, disk.Read(round, block));
                Assert.True(IsOn());
                unit.Unmap(block.Address.Value);
                Assert.Equal(Status.IoError, disk.Read(round, block));
                Assert.False(IsOn());
                unit.Map(block.Address.Value, block.Address, 4096);
                Assert.Equal(Status.Ok, disk.Read(round + 8, block));
                Assert.True(block.Span.SequenceEqual(image.AsSpan((round + 8) * 512, 4096)));
            }
        }

        bool IsOn() => (machine.Device.Registers[0].Read32(SdhciRegisters.HostControl) & SdhciRegisters.BusPower) != 0;
    }
}
