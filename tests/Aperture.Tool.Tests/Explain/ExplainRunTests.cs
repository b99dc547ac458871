using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.DmaMaster;
using Aperture.Tool.Explain;
using Aperture.Tool.Run;
using Aperture.Tool.Tests.Run;

namespace Aperture.Tool.Tests.Explain;

/// <summary>What <c>aperture run --json</c> prints after a scenario with a fault, explained.</summary>
public sealed class ExplainRunTests
{
    [Theory]
    [InlineData("omap3-isp")]
    [InlineData("exynos4412-media")]
    [InlineData("exynos850-usb")]
    public void A_fault_of_a_scenario_is_told_with_what_was_mapped_there(string board)
    {
        using var machine = Machine.Boot(BoardFile.Read(board), new MachineOptions { Sanitizer = new SanitizerOptions() });
        var client = machine.Masters.Select(master => master.Device!.Bound).OfType<DmaMasterClient>().First();
        var faults = machine.Iommu.FaultCount;
        var address = UseAfterUnmap(client);
        Assert.Equal(faults + 1, machine.Iommu.FaultCount);
        var report = new RunReport(machine, UnboundDevices.Find(machine), [],
            new ScenarioResult("broken", false, ["the device used a buffer after its unmap"]))
        { Faults = [machine.Iommu.Faults[^1]] };
        Assert.Equal(1, report.ExitCode);
        using var json = new StringWriter();
        RunJson.Write(report, json);
        using var file = new TemporaryFile(System.Text.Encoding.UTF8.GetBytes(json.ToString()));
        using var text = new StringWriter();
        Assert.Equal(0, ExplainCommand.Run(file.Path, text));

        var name = client.Device.Name;
        var story = text.ToString();
        Assert.Contains($"DeviceUseAfterUnmap on {name}, driver dma-master.", story, StringComparison.Ordinal);
        Assert.Contains($"the device wrote 0x40 bytes at {address}, whose mapping had ended, and the IOMMU refused it", story,
            StringComparison.Ordinal);
        Assert.Contains($"The mapping: a single mapping of {name}, 0x1000 bytes at {address} from the device, made at ", story,
            StringComparison.Ordinal);
        Assert.Matches(@"made at \S*ExplainRunTests\.cs:\d+ in call \d+; it ended at \S*ExplainRunTests\.cs:\d+, in call \d+", story);
        Assert.Contains("What to do: stop the device", story, StringComparison.Ordinal);
        Assert.Contains($"Fault on {name}, driver dma-master, reported by {machine.Iommu.Faults[^1].Unit!.Name}.", story,
            StringComparison.Ordinal);
        Assert.Contains($"device address {machine.Iommu.Faults[^1].Address}, and nothing was mapped there.", story,
            StringComparison.Ordinal);
        Assert.Contains("What is and was mapped on that page:", story, StringComparison.Ordinal);
    }

    private static Core.Iova UseAfterUnmap(DmaMasterClient client)
    {
        using var hold = client.Device.Power.Hold();
        var block = client.Device.Dma.Memory.Allocate(4096);
        var mapping = client.Device.Dma.Map(block, DmaDirection.FromDevice);
        Assert.True(client.Fill(0, mapping.Address, 64, 1).IsOk);
        mapping.Unmap();
        Assert.True(client.Fill(0, mapping.Address, 64, 2).IsBlocked);
        client.Device.Dma.Memory.Free(block);
        return mapping.Address;
    }
}
