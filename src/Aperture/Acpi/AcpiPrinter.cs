using System.Globalization;
using System.Text;

namespace Aperture.Acpi;

/// <summary>Prints fields, one a line: the offset in the structure, the name and the value.</summary>
internal sealed class AcpiPrinter(TextWriter output, int indent) : AcpiFields
{
    private const int NameColumns = 34;
    private int _position;

    public override int Position => _position;

    public override ulong Number(string name, int bytes, ulong value)
    {
        Line(name, "0x" + value.ToString("x" + (bytes * 2), CultureInfo.InvariantCulture), bytes);
        return value;
    }

    public override byte[] Bytes(string name, int count, byte[] value)
    {
        if (value.Length > 0)
            Line(name, IsText(value) ? $"\"{Encoding.ASCII.GetString(value).TrimEnd('\0')}\"" : Convert.ToHexStringLower(value),
                value.Length);
        return value;
    }

    public override bool Has(bool value, int bytes) => value;

    public override void List<T>(string name, int count, IList<T> items)
    {
        for (var i = 0; i < items.Count; i++)
        {
            Title($"{name} {i}");
            items[i].Describe(new AcpiPrinter(output, indent + 1));
        }
    }

    public override void Nodes<T>(string name, AcpiNodeForm form, Func<ulong, T> create, IList<T> nodes)
    {
        foreach (var node in nodes)
        {
            Title($"{node.GetType().Name} at 0x{node.Offset:x}");
            var inner = new AcpiPrinter(output, indent + 1);
            node.Describe(inner);
            inner.Bytes("Rest", -1, node.Rest);
        }
    }

    private static bool IsText(byte[] value) =>
        value[0] is > 0x20 and < 0x7f && value.All(letter => letter is 0 or >= 0x20 and < 0x7f);

    private void Title(string title) => output.WriteLine($"{new string(' ', indent * 2)}{title}");

    private void Line(string name, string value, int bytes)
    {
        output.WriteLine($"{new string(' ', indent * 2)}{_position:x3} {name.PadRight(NameColumns)} {value}");
        _position += bytes;
    }

    private protected override AcpiException Wrong(string what) => new(what);
}
