using System.Text;

namespace Aperture.Diagnostics;

/// <summary>What an event's records are made of and how they are printed, in the form in which a kernel says so
/// (<c>events/SYSTEM/NAME/format</c> of its trace file system): every tool for trace events reads that and nothing else.</summary>
internal sealed class TraceEventFormat
{
    private static readonly TraceField[] s_common =
    [
        new("unsigned short", "common_type", 2), new("unsigned char", "common_flags", 1),
        new("unsigned char", "common_preempt_count", 1), new("int", "common_pid", 4, IsSigned: true),
    ];

    private readonly TraceField[] _fields;
    private readonly int[] _offsets;
    private readonly string _print;

    /// <param name="id">Its number in this file.</param>
    /// <param name="system">The trace system.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="print">How it is printed: a format of C in quotes, and its arguments.</param>
    /// <param name="fields">Its fields, without those that all events have.</param>
    public TraceEventFormat(ushort id, string system, string name, string print, params TraceField[] fields)
    {
        (Id, System, Name, _print, _fields) = (id, system, name, print, fields);
        _offsets = new int[fields.Length];
        var at = CommonBytes;
        for (var i = 0; i < fields.Length; i++)
        {
            at = (at + fields[i].FixedBytes - 1) / fields[i].FixedBytes * fields[i].FixedBytes;
            _offsets[i] = at;
            at += fields[i].FixedBytes;
        }

        FixedBytes = at;
    }

    /// <summary>Bytes of what all events have.</summary>
    public static int CommonBytes { get; } = s_common.Sum(field => field.Size);

    /// <summary>Its number.</summary>
    public ushort Id { get; }

    /// <summary>The trace system.</summary>
    public string System { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Bytes of a record before its dynamic fields' elements.</summary>
    public int FixedBytes { get; }

    /// <summary>The fields.</summary>
    public ReadOnlySpan<TraceField> Fields => _fields;

    /// <summary>Where a field lies in a record.</summary>
    public int OffsetOf(int field) => _offsets[field];

    /// <summary>The format's text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(FormattableString.Invariant($"name: {Name}\nID: {Id}\nformat:\n"));
        var at = 0;
        foreach (var field in s_common)
        {
            text.Append(field.Declare(at));
            at += field.Size;
        }

        text.Append('\n');
        for (var i = 0; i < _fields.Length; i++)
            text.Append(_fields[i].Declare(_offsets[i]));
        return text.Append("\nprint fmt: ").Append(_print).Append('\n').ToString();
    }
}
