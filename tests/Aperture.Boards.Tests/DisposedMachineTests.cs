using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests;

public sealed class DisposedMachineTests
{
    /// <summary>A21: whoever still had a part of a machine that was disposed crashed the process with it.</summary>
    [Theory]
    [InlineData("omap3-isp")]
    [InlineData("tegra124-media")]
    [InlineData("rk3399-media")]
    [InlineData("smmuv3-media")]
    public void What_goes_through_the_API_after_the_machine_is_an_exception_or_a_bus_error(string board)
    {
        var machine = Machine.Boot(Runs.Own(board));
        var device = machine.Masters.First(master => master.Device is not null).Device!;
        var port = new DmaPort(machine.Bus);
        var block = device.Dma.Memory.Allocate(4096);
        var mapping = device.Dma.Map(block, DmaDirection.Bidirectional);
        var coherent = device.Dma.Allocate(4096);
        machine.Dispose();
        machine.Dispose();
        IsRefused(() => device.Dma.Map(block, DmaDirection.ToDevice));
        IsRefused(() => device.Dma.Allocate(4096));
        IsRefused(() => device.Dma.Memory.Allocate(4096));
        IsRefused(() => mapping.Dispose());
        IsRefused(() => coherent.Dispose());
        Assert.Equal(DmaStatus.BusError, port.Read(new Iova(block.Address.Value), new byte[8], out _));
        Assert.Equal(DmaStatus.BusError, port.Write(new Iova(block.Address.Value), new byte[8], out _));
        foreach (var master in machine.Masters)
            Assert.All(master.Ports, behind => Assert.NotEqual(DmaStatus.Ok, behind.Read(mapping.Address, new byte[8], out _)));

        static void IsRefused(Action late)
        {
            var error = Record.Exception(late);
            Assert.True(error is ApertureException or ObjectDisposedException, $"{error?.ToString() ?? "nothing"} was thrown");
        }
    }
}
