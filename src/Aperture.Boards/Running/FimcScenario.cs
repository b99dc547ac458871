using Aperture.Core;
using Aperture.Drivers.Fimc;
using Aperture.Drivers.Imaging;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>Exynos 4 FIMC, memory to memory: reads a picture through its SysMMU, writes it scaled and in another format.</summary>
public sealed class FimcScenario : IScenario
{
    private const int Width = 320;
    private const int Height = 240;

    /// <inheritdoc/>
    public string Name => "fimc-m2m";

    /// <inheritdoc/>
    public string Description => "Exynos 4 FIMC scales and converts a picture, memory to memory";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Find(machine) is not null;
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var master = Find(machine) ?? throw new ApertureException(Status.NoDevice, "the board has no FIMC");
        var faults = machine.Iommu.FaultCount;
        using var binding = new ClientBinding(machine, master.Device!, new FimcDriver(machine.Clock));
        var fimc = (FimcScaler)master.Device!.Bound!;
        var picture = TestPicture();
        var lines = new List<string>();
        var isOk = true;
        Picture? result = null;

        Convert("copied", Width, Height, FimcFormat.Xrgb8888, 0);
        Convert("scaled up", Width * 2, Height * 2, FimcFormat.Xrgb8888, 0);
        Convert("scaled down to RGB565", Width / 2, Height / 2, FimcFormat.Rgb565, 8);
        Convert("scaled by 3/2", Width * 3 / 2, Height * 3 / 2, FimcFormat.Xrgb8888, 0);
        if (machine.Iommu.FaultCount != faults)
        {
            isOk = false;
            lines.Add($"the SysMMU reported: {machine.Iommu.Faults[^1]}");
        }

        return new ScenarioResult(Name, isOk, lines, result);

        void Convert(string what, int width, int height, FimcFormat format, int tolerance)
        {
            var memory = fimc.Device.Dma.Memory;
            var source = new FimcImage(
                memory.Allocate(FimcImage.BytesOf(Width, Height, FimcFormat.Xrgb8888)), Width, Height, FimcFormat.Xrgb8888);
            var target = new FimcImage(memory.Allocate(FimcImage.BytesOf(width, height, format)), width, height, format);
            try
            {
                source.Load(picture);
                fimc.Convert(source, target);
                result = target.ToPicture();
                var wrong = Difference(picture, result, tolerance);
                isOk &= wrong is null;
                lines.Add($"{fimc.Device.Name} {what}: {Width}x{Height} to {width}x{height}{(wrong is null ? "" : ": " + wrong)}");
            }
            finally
            {
                memory.Free(target.Memory);
                memory.Free(source.Memory);
            }
        }
    }

    private static BoardMaster? Find(Machine machine) =>
        machine.Masters.FirstOrDefault(master => master is { Client: Fimc, Device.Bound: not null });

    /// <summary>Blocks of 40 x 40 in colours of their own.</summary>
    private static Picture TestPicture()
    {
        var picture = new Picture(Width, Height);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
                picture[x, y] = (uint)((x / 40 * 36) << 16 | (y / 40 * 51) << 8 | ((x / 40 + (y / 40)) & 1) * 255);
        }

        return picture;
    }

    /// <summary>Compares the middle of each block, where scaling must not matter.</summary>
    private static string? Difference(Picture picture, Picture result, int tolerance)
    {
        for (var y = 20; y < Height; y += 40)
        {
            for (var x = 20; x < Width; x += 40)
            {
                var (expected, actual) = (picture[x, y], result[x * result.Width / Width, y * result.Height / Height]);
                for (var shift = 0; shift < 24; shift += 8)
                {
                    if (Math.Abs((int)(expected >> shift & 255) - (int)(actual >> shift & 255)) > tolerance)
                        return $"pixel {x},{y} is 0x{actual:x6}, not 0x{expected:x6}";
                }
            }
        }

        return null;
    }
}
