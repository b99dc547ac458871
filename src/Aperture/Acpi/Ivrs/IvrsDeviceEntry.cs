namespace Aperture.Acpi.Ivrs;

/// <summary>Devices of an IOMMU.</summary>
public sealed class IvrsDeviceEntry : AcpiStructure
{
    /// <summary>Fills space.</summary>
    public const byte Padding = 0;

    /// <summary>All devices.</summary>
    public const byte All = 1;

    /// <summary>One device.</summary>
    public const byte Select = 2;

    /// <summary>The first of a range; <see cref="RangeEnd"/> follows.</summary>
    public const byte RangeStart = 3;

    /// <summary>The last of a range.</summary>
    public const byte RangeEnd = 4;

    /// <summary>One device, whose accesses carry another's id.</summary>
    public const byte AliasSelect = 0x42;

    /// <summary>The first of a range of such.</summary>
    public const byte AliasRange = 0x43;

    /// <summary>One device, with extended data.</summary>
    public const byte ExtendedSelect = 0x46;

    /// <summary>The first of a range of such.</summary>
    public const byte ExtendedRange = 0x47;

    /// <summary>An I/O APIC or a timer.</summary>
    public const byte Special = 0x48;

    /// <summary>A device of the ACPI name space.</summary>
    public const byte AcpiDevice = 0xf0;

    private byte[] _extension = [];

    /// <summary>Which kind of entry it is.</summary>
    public byte Type { get; set; }

    /// <summary>The PCI function.</summary>
    public ushort DeviceId { get; set; }

    /// <summary>Which interrupts pass, and more, as in a device table entry.</summary>
    public byte Data { get; set; }

    /// <summary>Of entries of 8 bytes the second half; of named ones hardware id, compatible id and unique id.</summary>
    public IReadOnlyList<byte> Extension => _extension;

    /// <summary>The id that the accesses carry instead: of aliases and special devices.</summary>
    public ushort Source => _extension.Length >= 3 ? (ushort)(_extension[1] | _extension[2] << 8) : DeviceId;

    /// <inheritdoc/>
    /// <remarks>Entries below 0x40 have 4 bytes, below 0x80 8; those from 0xf0 on say it themselves. Others are not known.</remarks>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U8("Type", Type);
        DeviceId = fields.U16("DeviceID", DeviceId);
        Data = fields.U8("Data", Data);
        switch (Type)
        {
            case < 0x40:
                break;
            case < 0x80:
                _extension = fields.Bytes("Extension", 4, _extension);
                break;
            case AcpiDevice:
                var names = fields.Bytes("Hardware ID, Compatible ID", 16, _extension.Length >= 16 ? _extension[..16] : []);
                var format = fields.U8("Unique ID Format", _extension.Length >= 17 ? _extension[16] : (byte)0);
                var length = fields.U8("Unique ID Length", _extension.Length >= 18 ? _extension[17] : (byte)0);
                var id = fields.Bytes("Unique ID", length, _extension.Length >= 18 ? _extension[18..] : []);
                _extension = [.. names, format, length, .. id];
                break;
            default:
                throw new AcpiException($"IVRS: a device entry of type 0x{Type:x2}, of which nobody knows the length");
        }
    }
}
