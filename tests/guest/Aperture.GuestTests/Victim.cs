using Aperture.Dma;

namespace Aperture.GuestTests;

/// <summary>A process that is to be killed: it never stops doing DMA.</summary>
internal static class Victim
{
    public static int Run()
    {
        using var machine = Guest.Machine();
        var edu = new Guest().Open(machine);
        using var buffer = edu.Device.Dma.Allocate(4096);
        new Random(1).NextBytes(buffer.Span);
        Console.WriteLine("busy");
        while (true)
        {
            edu.Load(buffer.Address, 0, 2048);
            using var mapping = edu.Device.Dma.Map(edu.Device.Dma.Memory.Allocate(4096), DmaDirection.FromDevice);
            edu.Store(0, mapping.Address, 2048);
        }
    }
}
