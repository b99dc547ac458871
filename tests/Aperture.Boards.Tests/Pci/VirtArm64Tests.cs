using Aperture.Boards.Tests.Running;
using Aperture.Boards.Tests.Trees;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.DeviceTrees;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Edu;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Nvme;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Pci;

/// <summary>The board with PCI behind an SMMUv3: its functions are found by their class or number, send messages through the unit, and do
/// real I/O.</summary>
public sealed class VirtArm64Tests
{
    private const ulong Doorbell = 0x0802_0040;

    private static Machine Boot(DomainType domain = DomainType.Dma, DeviceTree? tree = null) => Machine.Boot(
        tree ?? Runs.Own("virt-arm64"), new MachineOptions { Sanitizer = new SanitizerOptions(), DefaultDomain = domain });

    private static NvmeFunction Function(Machine machine, int device) =>
        Assert.IsType<NvmeFunction>(machine.PciHosts[0].Model.Find(new PciAddress(0, (byte)device, 0)));

    private static NvmeClient Client(Machine machine, int device) =>
        Assert.IsType<NvmeClient>(machine.PciHosts[0].Find(Function(machine, device))!.Device.Bound);

    [Theory]
    [InlineData(DomainType.Dma)]
    [InlineData(DomainType.DmaDeferred)]
    public void Both_controllers_are_bound_by_their_class_and_move_blocks(DomainType domain)
    {
        using var machine = Boot(domain);
        Assert.Empty(machine.PciHosts[0].Bridge!.Problems);
        Assert.IsType<EduClient>(machine.PciHosts[0].Bridge!.Find(new PciAddress(0, 3, 0))!.Device.Bound);
        foreach (var (device, blockBytes, bytes) in new[] { (1, 512, 64ul << 20), (2, 4096, 32ul << 20) })
        {
            var (client, model) = (Client(machine, device), Function(machine, device).Controller);
            Assert.Equal(("iommu", domain, 4), (client.Device.Dma.Path, client.Device.Iommu!.Domain!.Type, client.Queues));
            var disk = Assert.Single(client.Namespaces);
            Assert.Equal((blockBytes, bytes), (disk.BlockBytes, disk.Bytes));
            Assert.Equal($"APERTURE 00:0{device}.0", client.Identity.Serial);
            var random = new Random(device);
            var block = client.Device.Dma.Memory.Allocate(128 << 10);
            for (var round = 0; round < 40; round++)
            {
                var first = (ulong)random.Next((int)disk.Blocks - (block.Length / blockBytes));
                random.NextBytes(block.Span);
                var written = block.Span.ToArray();
                disk.Write(first, block);
                Assert.True(model.Namespaces[0].Content.Span.Slice((int)first * blockBytes, written.Length).SequenceEqual(written));
                block.Span.Clear();
                disk.Read(first, block);
                Assert.True(block.Span.SequenceEqual(written), $"controller {device}, round {round}");
            }

            client.Device.Dma.Memory.Free(block);
        }

        Assert.Equal(0ul, machine.Iommu.FaultCount);
        Assert.Empty(machine.Sanitizer!.Findings);
    }

    [Fact]
    public void Each_queue_sends_its_own_message_through_the_unit()
    {
        using var machine = Boot();
        var (client, function) = (Client(machine, 1), Function(machine, 1));
        Assert.Equal(17, client.Device.Interrupts.Count);
        Assert.Equal(17, function.Messages.Count);
        var bar = client.Device.Registers[1]; // the table of MSI-X
        var addresses = new HashSet<ulong>();
        for (uint vector = 0; vector < 17; vector++)
        {
            var entry = vector * MsixRegisters.EntryLength;
            var address = bar.Read32(entry) | ((ulong)bar.Read32(entry + 4) << 32);
            Assert.True(client.Device.Iommu!.Domain!.TryTranslate(new Iova(address), out var target));
            Assert.Equal(Doorbell, target.Value);
            Assert.NotEqual(Doorbell, address);
            addresses.Add(bar.Read32(entry + MsixRegisters.Data));
        }

        Assert.Equal(17, addresses.Count);
        var (admin, before) = (function.Messages[0].Sent, function.Messages.Sum(message => (long)message.Sent));
        var told = client.Interrupts;
        for (var i = 0; i < 10; i++)
            client.Namespaces[0].Read((ulong)i, new byte[512]);
        Assert.Equal(10, function.Messages.Sum(message => (long)message.Sent) - before);
        Assert.Equal(admin, function.Messages[0].Sent);
        Assert.Equal(10, client.Interrupts - told);
        Assert.Equal(0, client.LostInterrupts);

        // Nothing comes without the mapping of the doorbell: it is the driver's, and goes with it.
        machine.Drivers.Unbind(client.Device);
        Assert.Equal(DmaStatus.BusError, function.Port.Write(new Iova(Doorbell), [112, 0, 0, 0], out _));
    }

    [Fact]
    public void A_driver_for_the_very_function_comes_before_one_for_its_class()
    {
        using var machine = Boot();
        var client = Client(machine, 1);
        machine.Drivers.Register(new NvmeDriver(machine.Clock, new NvmeDriverOptions { Queues = 2 }, ["pci1234,4e56"]));
        Assert.Equal(4, client.Queues);
        machine.Drivers.Unbind(machine.PciHosts[0].Device);
        Assert.True(machine.Drivers.Bind(machine.PciHosts[0].Device)); // finds its functions anew
        Assert.Equal(2, Client(machine, 1).Queues);
    }

    [Theory]
    [InlineData("aperture,capacity", 1000u, "/pcie@3f000000/nvme@2,0: 1000 bytes are no namespace of blocks of 2^12 bytes")]
    [InlineData("aperture,block-size", 520u, "/pcie@3f000000/nvme@2,0: there are no blocks of 520 bytes")]
    public void A_namespace_that_cannot_be_is_refused_by_its_node(string property, uint value, string message)
    {
        var tree = Runs.Own("virt-arm64");
        var changed = new TreeEdit(tree).Cells(tree.Find("/pcie@3f000000/nvme@2,0")!, property, value).Build();
        Assert.Equal(message, Assert.Throws<ApertureException>(() => Boot(tree: changed)).Message);
    }

    [Fact]
    public void A_host_behind_a_unit_that_nobody_models_is_left_out_and_says_so()
    {
        var tree = Runs.Own("virt-arm64");
        using var machine = Boot(tree: new TreeEdit(tree).Text(tree.Find("/iommu@9050000")!, "compatible", "acme,iommu").Build());
        Assert.Empty(machine.PciHosts);
        Assert.Equal("its IOMMU 9050000.iommu (acme,iommu) is not modelled",
            machine.Masters.Single(master => master.Name == "3f000000.pcie").Skipped);
    }

    [Fact]
    public void Sleep_and_a_reset_of_the_function_leave_the_blocks()
    {
        using var machine = Boot();
        var disk = Client(machine, 1).Namespaces[0];
        var data = new byte[4096];
        new Random(3).NextBytes(data);
        disk.Write(80, data);
        for (var round = 0; round < 3; round++)
        {
            machine.Drivers.Suspend();
            machine.Drivers.Resume();
            var back = new byte[4096];
            disk.Read(80, back);
            Assert.Equal(data, back);
        }

        var found = machine.PciHosts[0].Find(Function(machine, 1))!;
        machine.Drivers.Unbind(found.Device);
        found.Reset();
        Assert.True(machine.Drivers.Bind(found.Device));
        var again = new byte[4096];
        Client(machine, 1).Namespaces[0].Read(80, again);
        Assert.Equal(data, again);
        Assert.Empty(machine.Sanitizer!.Findings);
    }

    [Fact]
    public void What_is_pulled_out_fails_its_requests_and_the_other_goes_on()
    {
        using var machine = Boot();
        var (client, function) = (Client(machine, 1), Function(machine, 1));
        var device = client.Device;
        var (block, other) = (device.Dma.Memory.Allocate(4096), device.Dma.Memory.Allocate(4096));
        var disk = client.Namespaces[0];
        disk.Write(0, block);
        machine.PciHosts[0].Model.Root.Remove(function);
        var read = disk.ReadAsync(0, block).AsTask();
        var write = disk.WriteAsync(8, other).AsTask();
        machine.Clock.Advance(TimeSpan.FromSeconds(60)); // the watchdog looks at registers that read as ones
        foreach (var task in new[] { read, write })
            Assert.Equal(Status.NoDevice, Assert.IsType<ApertureException>(task.Exception!.InnerException).Status);
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => disk.Read(0, new byte[512])).Status);
        Assert.Contains(device.Name, client.Failure, StringComparison.Ordinal);
        Assert.Single(machine.PciHosts[0].Bridge!.RemoveGone());
        Assert.DoesNotContain(machine.Drivers.Devices, left => left.Name == device.Name);
        machine.Drivers.Memory.Free(block);
        machine.Drivers.Memory.Free(other);
        Client(machine, 2).Namespaces[0].Read(0, new byte[4096]);
        Assert.Empty(machine.Sanitizer!.Findings);
    }
}
