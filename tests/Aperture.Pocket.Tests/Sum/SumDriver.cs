using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Translation;

namespace Aperture.Pocket.Tests.Sum;

internal sealed class SumDriver : IDriver
{
    public string Name => "sum";

    public IReadOnlyList<string> Compatible => ["test,sum"];

    public IBoundDriver Probe(Device device)
    {
        var client = new SumClient(device);
        client.RuntimeResume(); // a probe leaves the device as a resume would
        return client;
    }
}

internal sealed class SumClient(Device device) : IBoundDriver
{
    public void RuntimeResume() => device.Clocks.Values.ToList().ForEach(clock => clock.Enable());

    public void RuntimeSuspend() => device.Clocks.Values.ToList().ForEach(clock => clock.Disable());

    public uint Sum(byte[] bytes)
    {
        using var power = device.Power.Hold();
        using var buffer = device.Dma.Allocate(bytes.Length);
        bytes.CopyTo(buffer.Span);
        return Sum(buffer.Address, bytes.Length);
    }

    public uint Sum(Iova address, int length)
    {
        using var power = device.Power.Hold();
        var registers = device.Registers[0];
        registers.Write32(0x0, (uint)address.Value);
        registers.Write32(0x4, (uint)length);
        registers.Write32(0x8, 1);
        return registers.Read32(0xC) == (uint)DmaStatus.Ok
            ? registers.Read32(0x8)
            : throw new ApertureException(Status.IoError, $"{device.Name} could not read {address}");
    }
}
