using System.Diagnostics;

namespace Aperture.GuestTests;

/// <summary>A process that is killed while its device does DMA.</summary>
internal static class KillTests
{
    /// <summary>How often: the variable <c>KILLS</c>.</summary>
    private static readonly int Kills =
        int.Parse(Environment.GetEnvironmentVariable("KILLS") ?? "1", System.Globalization.CultureInfo.InvariantCulture);

    public static void The_device_is_usable_afterwards(Guest guest)
    {
        const int Seed = 9;
        var random = new Random(Seed);
        for (var i = 0; i < Kills; i++)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!, [typeof(KillTests).Assembly.Location, "victim"])
            {
                RedirectStandardOutput = true
            };
            start.Environment["DOTNET_TieredCompilation"] = "0"; // it does not live long enough for code to be compiled twice
            using var victim = Process.Start(start)!;
            Check.Equal("busy", victim.StandardOutput.ReadLine(), $"the victim's first line, kill {i}");
            Thread.Sleep(random.Next(400)); // a moment in some transfer or between two: each takes 100 ms of the guest's time
            victim.Kill();
            victim.WaitForExit();
            using var machine = Guest.Machine();
            var edu = guest.Open(machine);
            using var buffer = edu.Device.Dma.Allocate(4096);
            buffer.Span[..64].Fill((byte)i);
            edu.Load(buffer.Address, 0, 64);
            edu.Store(0, buffer.Address + 2048, 64);
            Check.That(!buffer.Span.Slice(2048, 64).ContainsAnyExcept((byte)i), $"kill {i}");
        }
    }
}
