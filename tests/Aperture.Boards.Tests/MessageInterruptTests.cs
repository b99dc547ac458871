using Aperture.Boards.Tests.Running;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests;

public sealed class MessageInterruptTests
{
    private static readonly PhysicalAddress s_frame = new(0x0400_0000);

    /// <summary>A device behind an IOMMU sends its interrupt as a message: the driver maps the frame as it maps memory.</summary>
    [Fact]
    public void A_message_of_a_device_behind_an_IOMMU_arrives_once_the_frame_is_mapped()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        var messages = new MessageInterrupts("v2m", 64, 8);
        machine.Bus.Attach(s_frame, messages.Frame);
        var calls = 0;
        using var handler = messages.Inputs[3].Request(() =>
        {
            calls++;
            return InterruptResult.Handled;
        });
        var master = machine.Masters.First(candidate => candidate.Device is not null);
        using var power = master.Device!.Power.Hold();
        var source = new MsiSource(master.Ports[0]);
        var faults = machine.Iommu.FaultCount;
        Iova doorbell;
        using (var mapping = master.Device.Dma.MapResource(s_frame, 4096, DmaDirection.FromDevice))
        {
            doorbell = mapping.Address + MessageFrame.SetSpi;
            source.Configure(doorbell, 67);
            source.SetMask(false);
            source.Raise();
            Assert.Equal((1, 1UL, faults), (calls, source.Sent, machine.Iommu.FaultCount));
        }

        source.Raise();
        Assert.Equal((1, 1UL), (calls, source.Lost));
        Assert.NotEqual(faults, machine.Iommu.FaultCount);
        Assert.Equal(doorbell, machine.Iommu.Faults[^1].Address);
    }

    [Fact]
    public void Every_line_of_an_MSM_unit_is_wired_by_its_place()
    {
        using var machine = Machine.Boot(Runs.Own("apq8064-media"));
        Assert.NotEmpty(machine.Units);
        foreach (var unit in machine.Units)
        {
            Assert.Equal(["nonsecure", "secure"], unit.Model.Interrupts.Select(line => line.Name));
            Assert.Equal(Math.Min(2, unit.Node.Interrupts().Length), unit.Model.Interrupts.Count(line => line.Changed is not null));
        }
    }
}
