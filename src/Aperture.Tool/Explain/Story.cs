using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Aperture.Tool.Explain;

/// <summary>A finding or a fault in plain words.</summary>
internal static class Story
{
    public static string OfFinding(JsonElement finding)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{finding.GetProperty("kind").GetString()} on {Who(finding)}");
        var count = Number(finding, "count");
        text.Append(count > 1 ? string.Create(CultureInfo.InvariantCulture, $", {count} times.") : ".");
        text.Append(CultureInfo.InvariantCulture, $"\n\n  What happened: {finding.GetProperty("message").GetString()}.");
        text.Append(CultureInfo.InvariantCulture,
            $"\n  Where: 0x{Number(finding, "length"):x} bytes at device address {finding.GetProperty("address").GetString()}");
        if (finding.TryGetProperty("call", out var call))
            text.Append(CultureInfo.InvariantCulture, $", in the call at {Site(call)}");
        text.Append('.');
        if (finding.TryGetProperty("mapping", out var mapping))
            text.Append(CultureInfo.InvariantCulture, $"\n  The mapping: {Mapping(mapping)}.");
        List(text, "On the same page", finding, "neighbours");
        List(text, "Before that, at this place", finding, "history");
        text.Append(CultureInfo.InvariantCulture, $"\n  What to do: {finding.GetProperty("advice").GetString()}.");
        return text.ToString();
    }

    public static string OfFault(JsonElement fault)
    {
        var text = new StringBuilder();
        var verb = fault.GetProperty("access").GetString() switch
        {
            "Read" => "read",
            "Write" => "wrote",
            "Execute" => "fetched from",
            _ => "accessed",
        };
        var why = fault.GetProperty("reason").GetString() switch
        {
            "NotMapped" => "nothing was mapped there",
            "Protection" => "the mapping does not allow it",
            "Security" => "the mapping is for another security state",
            "TableWalk" => "the page tables could not be read",
            "MultipleHit" => "several entries of the translation cache match",
            "CacheMiss" => "no entry of the translation cache matches and the table walker is off",
            _ => "the unit gives no known reason",
        };
        text.Append(CultureInfo.InvariantCulture,
            $"Fault on {Who(fault)}, reported by {fault.GetProperty("unit").GetString()}.\n\n  What happened: it {verb} device address " +
            $"{fault.GetProperty("address").GetString()}, and {why}.");
        if (fault.GetProperty("history").GetArrayLength() == 0)
            text.Append("\n  Nothing is known to have been mapped on that page.");
        List(text, "What is and was mapped on that page", fault, "history");
        return text.ToString();
    }

    private static string Who(JsonElement story)
    {
        var device = story.GetProperty("device").GetString() ?? "a master that the unit cannot tell from others";
        return story.TryGetProperty("driver", out var driver) && driver.GetString() is { } name ? $"{device}, driver {name}" : device;
    }

    private static void List(StringBuilder text, string title, JsonElement story, string name)
    {
        if (!story.TryGetProperty(name, out var records) || records.GetArrayLength() == 0)
            return;
        text.Append(CultureInfo.InvariantCulture, $"\n  {title}:");
        foreach (var record in records.EnumerateArray())
            text.Append(CultureInfo.InvariantCulture, $"\n    - {Mapping(record)}");
    }

    private static string Mapping(JsonElement record)
    {
        var made = record.TryGetProperty("made", out var site) ? Site(site) : "an unknown place";
        var end = record.GetProperty("end").GetString() switch
        {
            "Unmapped" => string.Create(CultureInfo.InvariantCulture,
                $"; it ended at {(record.TryGetProperty("ended", out var place) ? Site(place) : "the end of a using")}, in call " +
                $"{Number(record, "endedAt")}"),
            "Leaked" => string.Create(CultureInfo.InvariantCulture, $"; its driver left it behind, in call {Number(record, "endedAt")}"),
            _ => "; it lives",
        };
        var what = record.GetProperty("api").GetString() switch
        {
            "Scatter" => "a scatterlist piece",
            "Coherent" => "a coherent buffer",
            "Resource" => "a resource",
            "Pages" => "allocated pages",
            _ => "a single mapping",
        };
        var direction = record.GetProperty("direction").GetString() switch
        {
            "ToDevice" => "to the device",
            "FromDevice" => "from the device",
            _ => "both ways",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{what} of {record.GetProperty("device").GetString()}, 0x{Number(record, "length"):x} bytes at " +
                $"{record.GetProperty("address").GetString()} {direction}, made at {made} in call {Number(record, "madeAt")}{end}");
    }

    private static string Site(JsonElement site) =>
        string.Create(CultureInfo.InvariantCulture, $"{site.GetProperty("file").GetString()}:{Number(site, "line")}");

    private static long Number(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetInt64() : 0;
}
