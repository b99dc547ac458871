using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>What the client's memory is accessed by in messages: 16 bytes, with the data behind them.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DmaTransfer
{
    public const int Bytes = 16;

    /// <summary>The first byte.</summary>
    public ulong Address;

    /// <summary>How many bytes.</summary>
    public ulong Count;
}
