using System.Text;
using System.Text.Json;
using Aperture.Iommu;

namespace Aperture.Dma.Sanitizer;

/// <summary>Findings and faults as JSON. <c>aperture explain</c> reads it.</summary>
public static class FindingJson
{
    /// <summary>All findings of a sanitizer as one object.</summary>
    public static string Write(DmaSanitizer sanitizer)
    {
        ArgumentNullException.ThrowIfNull(sanitizer);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            WriteFindings(json, sanitizer);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    /// <summary>Writes the properties <c>findings</c> and <c>suppressed</c> into an object.</summary>
    public static void WriteFindings(Utf8JsonWriter json, DmaSanitizer sanitizer)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(sanitizer);
        json.WriteStartArray("findings");
        foreach (var finding in sanitizer.Findings)
            Write(json, finding);
        json.WriteEndArray();
        json.WriteNumber("suppressed", sanitizer.Suppressed);
    }

    /// <summary>Writes one finding as an object.</summary>
    public static void Write(Utf8JsonWriter json, DmaFinding finding)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(finding);
        json.WriteStartObject();
        json.WriteString("kind", finding.Kind.ToString());
        json.WriteString("device", finding.Device);
        json.WriteString("driver", finding.Driver);
        json.WriteString("address", finding.Address.ToString());
        json.WriteNumber("length", finding.Length);
        json.WriteString("message", finding.Message);
        json.WriteString("advice", finding.Advice);
        json.WriteNumber("at", finding.At);
        json.WriteNumber("count", finding.Count);
        Write(json, "call", finding.Where);
        if (finding.Mapping is { } mapping)
        {
            json.WritePropertyName("mapping");
            Write(json, mapping);
        }

        Write(json, "neighbours", finding.Neighbours);
        Write(json, "nearest", finding.Nearest);
        Write(json, "history", finding.History);
        json.WriteEndObject();
    }

    /// <summary>Writes a fault that a unit reported as an object, with what was mapped around its address.</summary>
    /// <param name="json">Where.</param>
    /// <param name="fault">The fault.</param>
    /// <param name="history">What <see cref="DmaSanitizer.HistoryOf"/> knows about the address.</param>
    public static void Write(Utf8JsonWriter json, in FaultReport fault, IReadOnlyList<MappingRecord> history)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(history);
        json.WriteStartObject();
        json.WriteString("unit", fault.Unit?.Name);
        json.WriteString("device", fault.Device?.Name);
        json.WriteString("driver", fault.Device?.Driver?.Name);
        json.WriteString("address", fault.Address.ToString());
        json.WriteString("access", fault.Access.ToString());
        json.WriteString("reason", fault.Reason.ToString());
        json.WriteNumber("context", fault.Context);
        json.WriteNumber("code", fault.Code);
        Write(json, "history", history);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<MappingRecord> records)
    {
        json.WriteStartArray(name);
        foreach (var record in records)
            Write(json, record);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, MappingRecord record)
    {
        json.WriteStartObject();
        json.WriteString("device", record.Device);
        json.WriteString("driver", record.Driver);
        json.WriteString("api", record.Api.ToString());
        json.WriteString("address", record.Address.ToString());
        json.WriteNumber("length", record.Length);
        json.WriteString("memory", record.Memory.ToString());
        json.WriteString("direction", record.Direction.ToString());
        json.WriteBoolean("bounced", record.IsBounced);
        Write(json, "made", record.Made);
        json.WriteNumber("madeAt", record.MadeAt);
        json.WriteString("end", record.End.ToString());
        Write(json, "ended", record.Ended);
        json.WriteNumber("endedAt", record.EndedAt);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, CallSite site)
    {
        if (!site.IsKnown)
            return;
        json.WriteStartObject(name);
        json.WriteString("file", site.File);
        json.WriteNumber("line", site.Line);
        json.WriteEndObject();
    }
}
