using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Drivers.DmaMaster;
using Aperture.Iommu;

namespace Aperture.Boards.Tests;

public sealed class IdentityDomainTests
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    /// <summary>Whoever asks for addresses that pass unchanged gets them on every port of every unit that can let them, also from one
    /// without its clock.</summary>
    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_master_reaches_memory_untranslated(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { DefaultDomain = DomainType.Identity });
        var clients = machine.Masters.Select(master => master.Device?.Bound).OfType<DmaMasterClient>().ToArray();
        Assert.NotEmpty(clients);
        foreach (var client in clients)
        {
            Assert.NotEqual(0, client.PortCount);
            var memory = client.Device.Dma.Memory.Allocate(4096);
            for (var port = 0; port < client.PortCount; port++)
            {
                using var mapping = client.Device.Dma.Map(memory, DmaDirection.Bidirectional);
                Assert.True(client.Fill(port, mapping.Address, 4096, (ulong)port).IsOk);
                Assert.True(client.Verify(port, mapping.Address, 4096, (ulong)port).IsOk);
            }
        }
    }

    /// <summary>A5: on exynos4210-origen, whose banks meet at 0x5000_0000, an access over the joint was "not answered".</summary>
    [BoardTheory]
    [InlineData("exynos4210-origen", 0x5000_0000)]
    public void A_master_reaches_over_the_joint_of_two_banks(string board, ulong joint)
    {
        using var machine = Machine.Boot(Runs.Real(board), new MachineOptions { DefaultDomain = DomainType.Identity });
        Assert.Contains(machine.Tree.Memory(), bank => bank.Start.Value == joint);
        Assert.DoesNotContain(machine.Memory.Regions, ram => ram.Start.Value == joint);
        var client = machine.Masters.Select(master => master.Device?.Bound).OfType<DmaMasterClient>().First();
        Assert.True(client.Fill(0, new Iova(joint - 0x20), 0x40, 7).IsOk);
        Assert.True(client.Verify(0, new Iova(joint - 0x20), 0x40, 7).IsOk);
    }

    [Fact]
    public void Banks_that_meet_are_one_machine_memory()
    {
        MemoryRange[] banks = [new(new(0x9000_0000), 1 << 20), new(new(0x8000_0000), 0x1000_0000)];
        using var machine = Machine.Boot(Runs.Own("omap3-isp"), new MachineOptions { Memory = banks });
        Assert.Equal([new MemoryRange(new(0x8000_0000), 0x1010_0000)], machine.Memory.Regions);
    }
}
