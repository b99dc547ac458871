namespace Aperture.Acpi.Dmar;

/// <summary>A device or a bridge that a structure is about (device scope structure).</summary>
public sealed class DmarScope : AcpiStructure
{
    /// <summary>A PCI device without what is behind it.</summary>
    public const byte Endpoint = 1;

    /// <summary>A bridge with everything behind it.</summary>
    public const byte Bridge = 2;

    /// <summary>An I/O APIC, which sends interrupts only.</summary>
    public const byte IoApic = 3;

    /// <summary>A timer that sends message interrupts only.</summary>
    public const byte Hpet = 4;

    /// <summary>A device of the ACPI name space: <see cref="DmarNamedDevice"/>.</summary>
    public const byte NamedDevice = 5;

    private const int HeaderBytes = 6;

    private byte _length;

    /// <summary>What it is.</summary>
    public byte Type { get; set; }

    /// <summary>Flags; zero but in <see cref="DmarIntegratedAts"/>.</summary>
    public byte Flags { get; set; }

    /// <summary>Reserved.</summary>
    public byte Reserved { get; set; }

    /// <summary>Number of an I/O APIC, a timer or a named device.</summary>
    public byte EnumerationId { get; set; }

    /// <summary>The bus from which the path goes.</summary>
    public byte StartBus { get; set; }

    /// <summary>The way: device and function of each bridge, and in the end of the device, as pairs of bytes.</summary>
    public byte[] Path { get; set; } = [];

    /// <summary>The device and function numbers in one, as in a requester id, for each step of the path.</summary>
    public IEnumerable<byte> Steps
    {
        get
        {
            for (var i = 0; i + 1 < Path.Length; i += 2)
                yield return (byte)(Path[i] << 3 | (Path[i + 1] & 7));
        }
    }

    /// <inheritdoc/>
    public override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        Type = fields.U8("Type", Type);
        _length = fields.U8("Length", (byte)(HeaderBytes + Path.Length));
        Flags = fields.U8("Flags", Flags);
        Reserved = fields.U8("Reserved", Reserved);
        EnumerationId = fields.U8("Enumeration ID", EnumerationId);
        StartBus = fields.U8("Start Bus Number", StartBus);
        if (_length < HeaderBytes)
            throw new AcpiException($"DMAR: a device scope of {_length} bytes, which is less than its own {HeaderBytes}");
        Path = fields.Bytes("Path", _length - HeaderBytes, Path);
    }
}
