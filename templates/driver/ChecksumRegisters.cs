namespace ApertureDriver;

/// <summary>The registers of the checksum engine, of 32 bits each: what model and driver have in common.</summary>
internal static class ChecksumRegisters
{
    public const uint Address = 0x00; // of the bytes, as the device sees memory
    public const uint Length = 0x04;  // in bytes
    public const uint Start = 0x08;   // a write begins
    public const uint Status = 0x0C;  // Done, Failed; a bit that is written as one is cleared
    public const uint Sum = 0x10;     // of all bytes
    public const uint Size = 0x14;

    public const uint Done = 1;   // the interrupt line is up while it is set
    public const uint Failed = 2; // an access was refused
}
