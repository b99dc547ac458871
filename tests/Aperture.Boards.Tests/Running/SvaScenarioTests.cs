using Aperture.Boards.Running;
using Aperture.Boards.Tests.Trees;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.AtsEndpoint;

namespace Aperture.Boards.Tests.Running;

/// <summary>The scenarios of devices that keep translations of their own: processes, and guests.</summary>
public sealed class SvaScenarioTests
{
    private static Machine Boot(DeviceTree? tree = null) =>
        Machine.Boot(tree ?? Runs.Own("virt-arm64"), new MachineOptions { Sanitizer = new SanitizerOptions() });

    private static AtsEndpointClient Client(Machine machine) =>
        machine.PciHosts[0].Bridge!.Devices.Select(device => device.Device.Bound).OfType<AtsEndpointClient>().Single();

    [Fact]
    public void A_device_shares_processes_and_leaves_nothing_behind()
    {
        using var machine = Boot();
        var client = Client(machine);
        var (pages, tables) = (machine.Pages.UsedPages, machine.Tables.BytesInUse);
        for (var round = 0; round < 2; round++)
        {
            var result = new SvaScenario().Run(machine);
            Assert.True(result.IsOk, string.Join('\n', result.Lines));
            var line = Assert.Single(result.Lines);
            Assert.StartsWith("0000:00:04.0: ", line, StringComparison.Ordinal);
            Assert.Contains("KiB in 3 processes", line, StringComparison.Ordinal);
            if (round == 0)
                (pages, tables) = (machine.Pages.UsedPages, machine.Tables.BytesInUse);
        }

        Assert.True(client.PageRequests > 500, $"{client.PageRequests} page requests");
        Assert.True(client.Hits > 500, $"{client.Hits} hits");
        Assert.Equal((pages, tables), (machine.Pages.UsedPages, machine.Tables.BytesInUse));
        Assert.Equal(0, machine.Iommu.WaitingRequests);
        Assert.Empty(client.Device.Iommu!.Group.Pasids);
        Assert.Empty(machine.Sanitizer!.Findings);
    }

    [Fact]
    public void Guests_drive_a_device_and_leave_nothing_behind()
    {
        using var machine = Boot();
        var client = Client(machine);
        var own = client.Device.Iommu!.Domain;
        var (pages, tables) = (machine.Pages.UsedPages, machine.Tables.BytesInUse);
        for (var round = 0; round < 2; round++)
        {
            var result = new NestedGuestScenario().Run(machine);
            Assert.True(result.IsOk, string.Join('\n', result.Lines));
            Assert.Equal(2, result.Lines.Count);
            Assert.Same(own, client.Device.Iommu.Domain);
            if (round == 0)
                (pages, tables) = (machine.Pages.UsedPages, machine.Tables.BytesInUse);
        }

        Assert.Equal((pages, tables), (machine.Pages.UsedPages, machine.Tables.BytesInUse));
        Assert.Empty(machine.Iommu.Failures);
        using var buffer = client.Device.Dma.Allocate(64);
        Assert.Equal(Datasheets.AtsEndpoint.AtsEndpointResult.Done, client.Write(buffer.Address, [1, 2, 3, 4]));
        Assert.Equal([1, 2, 3, 4], buffer.Span[..4].ToArray());
    }

    [Fact]
    public void Without_ATS_there_are_guests_and_no_processes()
    {
        var tree = Runs.Own("virt-arm64");
        using var machine = Boot(new TreeEdit(tree).Without(tree.Find("/pcie@3f000000")!, "ats-supported").Build());
        Assert.False(new SvaScenario().AppliesTo(machine));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new SvaScenario().Run(machine)).Status);
        Assert.True(new NestedGuestScenario().AppliesTo(machine));
        var result = new NestedGuestScenario().Run(machine);
        Assert.True(result.IsOk, string.Join('\n', result.Lines));
        using var other = Machine.Boot(Runs.Own("smmuv3-media"));
        Assert.False(new NestedGuestScenario().AppliesTo(other));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new NestedGuestScenario().Run(other)).Status);
    }
}
