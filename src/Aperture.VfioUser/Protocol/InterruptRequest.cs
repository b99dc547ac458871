using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>Event files, masks, triggers: 20 bytes, with a byte for each interrupt behind them where the data are of that kind.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterruptRequest
{
    public const int Bytes = 20;
    public const uint NoData = 1;
    public const uint ByteData = 2;
    public const uint EventData = 4;
    public const uint DataMask = NoData | ByteData | EventData;
    public const uint Mask = 8;
    public const uint Unmask = 16;
    public const uint Trigger = 32;
    public const uint ActionMask = Mask | Unmask | Trigger;

    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint Start;
    public uint Count;
}
