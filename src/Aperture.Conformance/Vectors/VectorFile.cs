using System.Text.Json;

namespace Aperture.Conformance.Vectors;

/// <summary>A file of recorded events: one scenario of one driver.</summary>
public sealed class VectorFile
{
    private VectorFile(string path, List<VectorEvent> events)
    {
        Path = path;
        Events = events;
        var meta = events[0];
        Driver = meta.Text("driver");
        RamBase = meta.Has("ramBase") ? meta.Hex("ramBase") : 0;
        LongBits = meta.Has("longBits") ? meta.Count("longBits") : 64;
    }

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The recorded driver: which family of units the file is about.</summary>
    public string Driver { get; }

    /// <summary>Where table memory begins.</summary>
    public ulong RamBase { get; }

    /// <summary>Width of the machine word of the recorded build.</summary>
    public int LongBits { get; }

    /// <summary>The events, <c>meta</c> first.</summary>
    public IReadOnlyList<VectorEvent> Events { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="VectorException">It cannot be read, is not one JSON object per line, or does not begin with a <c>meta</c>
    /// line.</exception>
    public static VectorFile Load(string path)
    {
        try
        {
            return Parse(path, File.ReadLines(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VectorException(path, 0, e.Message.ReplaceLineEndings(" "));
        }
    }

    /// <summary>Makes a file from its lines; blank ones are skipped.</summary>
    /// <exception cref="VectorException">As for <see cref="Load"/>.</exception>
    public static VectorFile Parse(string path, IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var events = new List<VectorEvent>();
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
                events.Add(new VectorEvent(path, number, ParseLine(path, number, line)));
        }

        if (events.Count == 0 || events[0].Kind != "meta")
            throw new VectorException(path, events.Count == 0 ? 0 : 1, "this is no vector file: it does not begin with a meta line");
        return new VectorFile(path, events);
    }

    private static JsonElement ParseLine(string path, int number, string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new VectorException(path, number, "the line is not a JSON object");
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new VectorException(path, number, $"the line is not JSON: {FirstSentence(e.Message)}");
        }
    }

    private static string FirstSentence(string text) =>
        text.IndexOf(". ", StringComparison.Ordinal) is var end and > 0 ? text[..end] : text;
}
