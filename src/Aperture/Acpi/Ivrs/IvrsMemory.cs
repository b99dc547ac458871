namespace Aperture.Acpi.Ivrs;

/// <summary>Memory that devices use before an operating system and go on using, or that they must not use (IVMD).</summary>
public sealed class IvrsMemory : IvrsNode
{
    /// <summary>For all devices.</summary>
    public const byte All = 0x20;

    /// <summary>For one.</summary>
    public const byte Select = 0x21;

    /// <summary>For those from <see cref="IvrsNode.DeviceId"/> to <see cref="LastDeviceId"/>.</summary>
    public const byte Range = 0x22;

    private byte[] _reserved = [];

    /// <summary>The last device of a <see cref="Range"/>.</summary>
    public ushort LastDeviceId { get; set; }

    /// <summary>The first byte.</summary>
    public ulong Start { get; set; }

    /// <summary>Bytes.</summary>
    public ulong Size { get; set; }

    /// <summary>Whether devices find it at its physical address.</summary>
    public bool IsUnity => (Flags & 1) != 0;

    /// <summary>Whether devices may read it.</summary>
    public bool CanRead => (Flags & 2) != 0;

    /// <summary>Whether devices may write it.</summary>
    public bool CanWrite => (Flags & 4) != 0;

    /// <summary>Whether it is left out of translation by the exclusion range of the unit.</summary>
    public bool IsExclusion => (Flags & 8) != 0;

    /// <inheritdoc/>
    protected override void DescribeBody(AcpiFields fields)
    {
        LastDeviceId = fields.U16("Auxiliary Data", LastDeviceId);
        _reserved = fields.Reserved(8, _reserved);
        Start = fields.U64("Start Address", Start);
        Size = fields.U64("Memory Block Length", Size);
    }
}
