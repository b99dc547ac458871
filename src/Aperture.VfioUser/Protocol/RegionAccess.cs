using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>What a region is accessed by: 16 bytes, with the data behind them.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RegionAccess
{
    public const int Bytes = 16;

    /// <summary>The first byte.</summary>
    public ulong Offset;

    /// <summary>Which region.</summary>
    public uint Region;

    /// <summary>How many bytes.</summary>
    public uint Count;
}
