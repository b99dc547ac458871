using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Dma;
using Aperture.Drivers.DmaMaster;
using Aperture.Iommu;

namespace Aperture.Boards.Tests;

public sealed class IdentityDomainTests
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    /// <summary>Whoever asks for addresses that pass unchanged gets them on every port of every unit that can let them, also from one without its clock.</summary>
    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_master_reaches_memory_untranslated(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { DefaultDomain = DomainType.Identity });
        foreach (var client in machine.Masters.Select(master => master.Device?.Bound).OfType<DmaMasterClient>())
        {
            var memory = client.Device.Dma.Memory.Allocate(4096);
            for (var port = 0; port < client.PortCount; port++)
            {
                using var mapping = client.Device.Dma.Map(memory, DmaDirection.Bidirectional);
                Assert.True(client.Fill(port, mapping.Address, 4096, (ulong)port).IsOk);
                Assert.True(client.Verify(port, mapping.Address, 4096, (ulong)port).IsOk);
            }
        }
    }
}
