namespace Aperture.Diagnostics;

/// <summary>A field of an event's record.</summary>
/// <param name="Type">Its type in C; of a dynamic one that of an element.</param>
/// <param name="Name">Its name.</param>
/// <param name="Size">Bytes; of a dynamic one those of an element.</param>
/// <param name="IsSigned">Whether it is a signed number.</param>
/// <param name="IsDynamic">Whether its elements lie behind the fields, and the field says only where and how many bytes.</param>
internal readonly record struct TraceField(string Type, string Name, int Size, bool IsSigned = false, bool IsDynamic = false)
{
    /// <summary>Bytes of a place: its offset in the low half, its bytes in the high one.</summary>
    private const int PlaceBytes = 4;

    /// <summary>Bytes that the field itself takes; it lies on a multiple of them.</summary>
    public int FixedBytes => IsDynamic ? PlaceBytes : Size;

    /// <summary>The line of a format that declares it.</summary>
    public string Declare(int offset) =>
        FormattableString.Invariant($"\tfield:{(IsDynamic ? "__data_loc " : "")}{Type}{(IsDynamic ? "[]" : "")} {Name};\t")
        + FormattableString.Invariant($"offset:{offset};\tsize:{FixedBytes};\tsigned:{(IsSigned ? 1 : 0)};\n");
}
