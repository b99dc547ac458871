using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>What stands before each message: 16 bytes, little-endian.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageHeader
{
    /// <summary>Bytes of this header.</summary>
    public const int Bytes = 16;

    /// <summary>Repeated by the reply.</summary>
    public ushort Id;

    /// <summary>What is wanted.</summary>
    public Command Command;

    /// <summary>Bytes of the message with this header.</summary>
    public uint Size;

    /// <summary>Request or reply.</summary>
    public MessageFlags Flags;

    /// <summary>The error number of a reply that tells of a failure.</summary>
    public uint Error;
}
