using System.Text.Json;
using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;

namespace Aperture.Tool.Run;

/// <summary>A run as one JSON object.</summary>
internal static class RunJson
{
    public static void Write(RunReport report, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
            Write(report, json);
        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void Write(RunReport report, Utf8JsonWriter json)
    {
        var machine = report.Machine;
        json.WriteStartObject();
        json.WriteString("board", machine.Tree.Board);
        json.WriteStartArray("masters");
        foreach (var master in report.Masters)
            Write(master, json);
        json.WriteEndArray();
        WriteFunctions(machine, json);
        json.WriteStartArray("units");
        foreach (var unit in machine.Units)
            Write(machine, unit, json);
        json.WriteEndArray();
        json.WriteStartArray("deferred");
        foreach (var deferred in machine.Drivers.Deferred)
        {
            json.WriteStartObject();
            json.WriteString("name", deferred.Device.Name);
            json.WriteString("waitsFor", deferred.Supplier);
            json.WriteString("reason", deferred.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("scenario");
        json.WriteString("name", report.Scenario?.Name ?? "none");
        json.WriteBoolean("ok", report.Scenario?.IsOk ?? true);
        Strings(json, "lines", report.Scenario?.Lines ?? []);
        if (report.Scenario is { Times.Count: > 0 } workload)
            WriteTimes(workload.Times, json);
        json.WriteEndObject();
        json.WriteStartObject("summary");
        json.WriteNumber("masters", report.Masters.Count);
        json.WriteNumber("held", report.Held);
        json.WriteNumber("skipped", report.Skipped);
        json.WriteString("outcome", !report.IsOk ? "failed" : report.IsTested ? "held" : "nothing tested");
        json.WriteEndObject();
        if (machine.Sanitizer is { } sanitizer)
        {
            FindingJson.WriteFindings(json, sanitizer);
            json.WriteStartArray("faults");
            foreach (var fault in report.Faults)
                FindingJson.Write(json, fault, fault.Device is null ? [] : sanitizer.HistoryOf(fault.Device, fault.Address));
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void Write(MasterResult result, Utf8JsonWriter json)
    {
        var master = result.Master;
        json.WriteStartObject();
        json.WriteString("name", master.Name);
        Strings(json, "compatible", master.Node.Compatible);
        Strings(json, "units", master.Units);
        json.WriteStartArray("ids");
        foreach (var id in master.Ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
        if (master.Device?.Iommu is { } iommu)
        {
            json.WriteNumber("group", iommu.Group.Id);
            json.WriteString("domain", RunText.Name(iommu.Domain));
        }
        else
        {
            json.WriteNull("group");
            json.WriteNull("domain");
        }

        if (master.Device?.Iommu?.Group.Reservations is { Count: > 0 } reservations)
            Write(reservations, json);
        json.WriteStartObject("selfTest");
        foreach (var (name, check) in result.Checks)
            json.WriteString(name, RunText.Name(check.Outcome));
        if (result.Checks.Where(check => check.Result.Reason.Length > 0).Select(check => check.Result.Reason).Distinct()
            .ToArray() is { Length: > 0 } reasons)
            json.WriteString("reason", string.Join("; ", reasons));
        json.WriteEndObject();
        if (result.SharedWith.Count > 0)
            Strings(json, "sharedWith", result.SharedWith);
        json.WriteEndObject();
    }

    private static void Write(IReadOnlyList<IovaReservation> reservations, Utf8JsonWriter json)
    {
        json.WriteStartArray("reserved");
        foreach (var kept in reservations)
        {
            json.WriteStartObject();
            json.WriteString("first", kept.First.ToString());
            json.WriteString("last", kept.Last.ToString());
            json.WriteString("kind", kept.Kind.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Times by wall clock, which differ from run to run.</summary>
    private static void WriteTimes(IReadOnlyList<PhaseTimes> phases, Utf8JsonWriter json)
    {
        json.WriteStartArray("wallTimes");
        foreach (var latencies in phases.Select(phase => new Latencies(phase)))
        {
            json.WriteStartObject();
            json.WriteString("name", latencies.Times.Name);
            json.WriteNumber("requests", latencies.Times.Nanoseconds.Count);
            json.WriteNumber("bytes", latencies.Times.Bytes);
            json.WriteNumber("seconds", latencies.Times.Elapsed.TotalSeconds);
            json.WriteStartObject("nanoseconds");
            json.WriteNumber("mean", Math.Round(latencies.Mean));
            json.WriteNumber("p50", latencies.At(50));
            json.WriteNumber("p99", latencies.At(99));
            json.WriteNumber("p99.9", latencies.At(99.9));
            json.WriteNumber("max", latencies.Max);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteFunctions(Machine machine, Utf8JsonWriter json)
    {
        json.WriteStartArray("functions");
        foreach (var function in RunText.FunctionsOf(machine))
        {
            var device = function.Device;
            json.WriteStartObject();
            json.WriteString("name", device.Name);
            Strings(json, "compatible", device.Description.Compatible);
            json.WriteString("driver", device.Driver?.Name);
            json.WriteString("interrupts", RunText.InterruptsOf(function));
            if (device.Iommu is { } iommu)
            {
                json.WriteNumber("group", iommu.Group.Id);
                json.WriteString("domain", RunText.Name(iommu.Domain));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Machine machine, BoardUnit unit, Utf8JsonWriter json)
    {
        var counters = unit.Model.Counters;
        json.WriteStartObject();
        json.WriteString("name", unit.Name);
        json.WriteString("compatible", unit.Node.Compatible[0]);
        json.WriteString("driver", unit.Device.Driver?.Name);
        Strings(json, "masters", RunText.MastersOf(machine, unit));
        json.WriteStartObject("tlb");
        json.WriteNumber("entries", unit.Model.CacheEntries);
        json.WriteNumber("hits", counters.Hits);
        json.WriteNumber("misses", counters.Misses);
        json.WriteNumber("invalidations", counters.Invalidations);
        json.WriteEndObject();
        json.WriteNumber("faults", counters.Faults);
        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
