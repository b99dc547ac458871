using System.Globalization;
using System.Text.Json;

namespace Aperture.Tool.Conform.Vectors;

/// <summary>One line of a vector file. A member that is missing or of the wrong kind is a <see cref="VectorException"/>.</summary>
public sealed class VectorEvent
{
    private readonly string _path;          // for messages
    private readonly JsonElement _members;  // the line's object

    internal VectorEvent(string path, int line, JsonElement members)
    {
        _path = path;
        _members = members;
        Line = line;
        Kind = Text("e");
        Call = Kind is "api" or "op" ? Text("call") : "";
    }

    /// <summary>The line, counted from 1.</summary>
    public int Line { get; }

    /// <summary>What kind of event it is: member <c>e</c>.</summary>
    public string Kind { get; }

    /// <summary>The call of an <c>api</c> or <c>op</c> event, else empty.</summary>
    public string Call { get; }

    /// <summary>Whether the member is there.</summary>
    public bool Has(string name) => _members.TryGetProperty(name, out _);

    /// <summary>Whether the member is there and a number.</summary>
    public bool IsNumber(string name) => _members.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number;

    /// <summary>A text member.</summary>
    public string Text(string name) => Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Bad($"'{name}' is not a text");

    /// <summary>A true or false member; false when it is not there.</summary>
    public bool Flag(string name) => _members.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>A number member.</summary>
    public long Number(string name) =>
        Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : throw Bad($"'{name}' is not a whole number");

    /// <summary>A number member that counts something and must fit memory.</summary>
    public int Count(string name) => Number(name) is var number and >= 0 and <= int.MaxValue ? (int)number : throw Bad($"'{name}' is {Number(name)}");

    /// <summary>A member that holds a hexadecimal number as text.</summary>
    public ulong Hex(string name) => Parse(name, Text(name));

    /// <summary>As <see cref="Hex"/>, for a 32-bit register, offset or table word.</summary>
    public uint Word(string name) => Hex(name) is var value and <= uint.MaxValue ? (uint)value : throw Bad($"'{name}' does not fit 32 bits");

    /// <summary>A member that holds a list of hexadecimal words.</summary>
    public uint[] Words(string name)
    {
        if (Member(name) is not { ValueKind: JsonValueKind.Array } list)
            throw Bad($"'{name}' is not a list");
        var words = new uint[list.GetArrayLength()];
        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || Parse(name, item.GetString()!) is var word && word > uint.MaxValue)
                throw Bad($"'{name}' holds something that is no 32-bit word");
            words[i++] = (uint)Parse(name, item.GetString()!);
        }

        return words;
    }

    /// <summary>A complaint about this line.</summary>
    public VectorException Bad(string problem) => new(_path, Line, problem);

    private JsonElement Member(string name) => _members.TryGetProperty(name, out var value) ? value : throw Bad($"'{name}' is missing");

    private ulong Parse(string name, string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Bad($"'{name}' is '{text}', not a hexadecimal number");
}
