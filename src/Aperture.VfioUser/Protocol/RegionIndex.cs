namespace Aperture.VfioUser.Protocol;

/// <summary>The numbers of a PCI function's regions. BARs have their own.</summary>
internal static class RegionIndex
{
    public const uint Bars = 6;
    public const uint Rom = 6;
    public const uint Configuration = 7;
    public const uint Vga = 8;
    public const uint Count = 9;
}
