using System.Globalization;
using System.Text.Json;

namespace Aperture.Conformance.Vectors;

/// <summary>One line of a vector file. A member that is missing or of the wrong kind is a <see cref="VectorException"/>.</summary>
public sealed class VectorEvent
{
    private readonly string _path;          // for messages
    private readonly JsonElement _members;  // the line's object

    private VectorEvent(string path, int line, string kind, JsonElement members)
    {
        _path = path;
        _members = members;
        Line = line;
        Kind = kind;
        Call = "";
    }

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
    public string Text(string name) =>
        Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Bad($"'{name}' is not a text");

    /// <summary>A true or false member; false when it is not there.</summary>
    public bool Flag(string name) => _members.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>A number member.</summary>
    public long Number(string name) =>
        Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : throw Bad($"'{name}' is not a whole number");

    /// <summary>A number member that counts something and must fit memory.</summary>
    public int Count(string name) =>
        Number(name) is var number and >= 0 and <= int.MaxValue ? (int)number : throw Bad($"'{name}' is {Number(name)}");

    /// <summary>A number member that is not negative.</summary>
    public long Count64(string name) => Number(name) is var number and >= 0 ? number : throw Bad($"'{name}' is {Number(name)}");

    /// <summary>A member that holds a hexadecimal number as text.</summary>
    public ulong Hex(string name) => Parse(name, Text(name));

    /// <summary>As <see cref="Hex"/>, for a 32-bit register, offset or table word.</summary>
    public uint Word(string name) =>
        Hex(name) is var value and <= uint.MaxValue ? (uint)value : throw Bad($"'{name}' does not fit 32 bits");

    /// <summary>A member that holds a list of texts.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (Member(name) is not { ValueKind: JsonValueKind.Array } list)
            throw Bad($"'{name}' is not a list");
        return [.. list.EnumerateArray().Select(
            item => item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Bad($"'{name}' holds something that is no text"))];
    }

    /// <summary>A member that holds a list of hexadecimal numbers.</summary>
    public ulong[] Words(string name) => [.. Texts(name).Select(text => Parse(name, text))];

    /// <summary>A member that is an object.</summary>
    public VectorEvent Object(string name) =>
        new(_path, Line, Kind, Member(name) is { ValueKind: JsonValueKind.Object } value ? value : throw Bad($"'{name}' is no object"));

    /// <summary>A member that holds a list of whole numbers from 0 on.</summary>
    public long[] Numbers(string name)
    {
        if (Member(name) is not { ValueKind: JsonValueKind.Array } list)
            throw Bad($"'{name}' is not a list");
        return [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetUInt32(out var number)
            ? (long)number
            : throw Bad($"'{name}' holds something that is no number"))];
    }

    /// <summary>A complaint about this line.</summary>
    public VectorException Bad(string problem) => new(_path, Line, problem);

    private JsonElement Member(string name) => _members.TryGetProperty(name, out var value) ? value : throw Bad($"'{name}' is missing");

    private ulong Parse(string name, string text) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Bad($"'{name}' is '{text}', not a hexadecimal number");
}
