using System.Globalization;
using System.Text;

namespace Aperture.Acpi;

/// <summary>A table with the common header (ACPI 6.5, section 5.2.6). What it holds is a class of its own where it is about
/// IOMMUs.</summary>
public abstract class AcpiTable : AcpiStructure
{
    /// <summary>Bytes of the common header.</summary>
    public const int HeaderBytes = 36;

    private const int LengthOffset = 4;
    private const int ChecksumOffset = 9;

    private byte[] _oem = new byte[14];
    private byte[] _creator = new byte[4];

    /// <summary>Four letters.</summary>
    public abstract string Signature { get; }

    /// <summary>Bytes, as the table says; written anew with the table.</summary>
    public uint Length { get; private set; }

    /// <summary>The revision of the table's layout.</summary>
    public byte Revision { get; set; }

    /// <summary>What makes all bytes of the table add up to 0; written anew with the table.</summary>
    public byte Checksum { get; private set; }

    /// <summary>Whether the bytes that were read add up to 0.</summary>
    public bool HasValidChecksum { get; private set; }

    /// <summary>Who made the table, and which of theirs it is: 6 and 8 letters.</summary>
    public string Oem => Encoding.ASCII.GetString(_oem).Replace('\0', ' ').Trim();

    /// <summary>The maker's revision.</summary>
    public uint OemRevision { get; set; }

    /// <summary>The revision of the tool that made the table.</summary>
    public uint CreatorRevision { get; set; }

    /// <summary>Reads a table of one of the kinds that describe IOMMUs: DMAR, IORT, IVRS, RIMT, VIOT; or MCFG.</summary>
    /// <param name="bytes">The table; what follows its length is left out.</param>
    /// <exception cref="AcpiException">It is none of these, or cannot be read.</exception>
    public static AcpiTable Parse(ReadOnlyMemory<byte> bytes)
    {
        var signature = SignatureOf(bytes.Span);
        var table = Create(signature) ?? throw new AcpiException(
            $"'{signature}' is no table of IOMMUs: those are DMAR, IORT, IVRS, RIMT and VIOT");
        var length = LengthOf(bytes.Span, 0);
        bytes = bytes[..length];
        table.Describe(new AcpiReader(signature, bytes, 0, length));
        byte sum = 0;
        foreach (var value in bytes.Span)
            sum += value;
        table.HasValidChecksum = sum == 0;
        return table;
    }

    /// <summary>Whether there is a class for tables of this signature.</summary>
    public static bool IsKnown(string signature) => Create(signature) is not null;

    /// <summary>The table's bytes, with the right length and checksum.</summary>
    public byte[] ToBytes()
    {
        var bytes = new List<byte>();
        Describe(new AcpiWriter(bytes));
        for (var i = 0; i < sizeof(uint); i++)
            bytes[LengthOffset + i] = (byte)(bytes.Count >> (8 * i));
        bytes[ChecksumOffset] = 0;
        byte sum = 0;
        foreach (var value in bytes)
            sum += value;
        bytes[ChecksumOffset] = (byte)-sum;
        return [.. bytes];
    }

    /// <summary>Prints all fields, one a line.</summary>
    public void Print(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Signature}, {Length} bytes"));
        Describe(new AcpiPrinter(output, 1));
    }

    /// <inheritdoc/>
    public sealed override void Describe(AcpiFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        fields.Bytes("Signature", 4, Encoding.ASCII.GetBytes(Signature));
        Length = fields.U32("Length", Length);
        Revision = fields.U8("Revision", Revision);
        Checksum = fields.U8("Checksum", Checksum);
        _oem = fields.Bytes("OEM ID, OEM Table ID", 14, _oem);
        OemRevision = fields.U32("OEM Revision", OemRevision);
        _creator = fields.Bytes("Creator ID", 4, _creator);
        CreatorRevision = fields.U32("Creator Revision", CreatorRevision);
        DescribeBody(fields);
    }

    /// <summary>Goes over what follows the header.</summary>
    protected abstract void DescribeBody(AcpiFields fields);

    /// <summary>The signature at the beginning of a table.</summary>
    /// <exception cref="AcpiException">There is none.</exception>
    internal static string SignatureOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes)
            throw new AcpiException($"{bytes.Length} bytes are no ACPI table: its header alone has {HeaderBytes}");
        foreach (var letter in bytes[..4])
        {
            if (letter is < 0x20 or > 0x7e)
                throw new AcpiException($"no ACPI table begins with the bytes {Convert.ToHexStringLower(bytes[..4])}");
        }

        return Encoding.ASCII.GetString(bytes[..4]);
    }

    /// <summary>How long the table at the beginning says it is.</summary>
    /// <exception cref="AcpiException">Shorter than its header, or longer than what is there.</exception>
    internal static int LengthOf(ReadOnlySpan<byte> bytes, int offset)
    {
        var length = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[(offset + LengthOffset)..]);
        var left = bytes.Length - offset;
        return length >= HeaderBytes && length <= left ? (int)length : throw new AcpiException(
            $"{Encoding.ASCII.GetString(bytes.Slice(offset, 4))}: its length is {length} bytes, where there are {left}");
    }

    private static AcpiTable? Create(string signature) => signature switch
    {
        Dmar.DmarTable.Name => new Dmar.DmarTable(),
        Iort.IortTable.Name => new Iort.IortTable(),
        Mcfg.McfgTable.Name => new Mcfg.McfgTable(),
        Ivrs.IvrsTable.Name => new Ivrs.IvrsTable(),
        Rimt.RimtTable.Name => new Rimt.RimtTable(),
        Viot.ViotTable.Name => new Viot.ViotTable(),
        _ => null,
    };
}
