using Aperture.Core;

namespace Aperture.Hardware.Pci;

/// <summary>The virtual functions of a function.</summary>
/// <param name="Total">How many there can be, 1 to 255.</param>
/// <param name="Device">Their device ID; the vendor is the function's.</param>
/// <param name="Make">Makes one, by its number from 0 on. Its BARs are those of all of them, from the first BAR on; it has no pin and no
/// virtual functions of its own.</param>
public sealed record SriovOptions(int Total, ushort Device, Func<int, PciFunction> Make)
{
    /// <summary>From the function's number on its bus to the first virtual one's; 1 unless set.</summary>
    public int FirstOffset { get; init; } = 1;

    /// <summary>From one virtual function's number to the next; 1 unless set.</summary>
    public int Stride { get; init; } = 1;

    internal void Validate()
    {
        if (Total < 1 || FirstOffset < 1 || Stride < 1 || FirstOffset + ((long)Stride * (Total - 1)) > byte.MaxValue)
        {
            throw new ApertureException(
                Status.InvalidArgument,
                $"{Total} virtual functions from {FirstOffset} on, each {Stride} behind another, have no room on a bus");
        }
    }
}
