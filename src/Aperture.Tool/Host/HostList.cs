using System.Globalization;
using System.Text.Json;
using Aperture.Linux.Hosts;
using Spectre.Console;

namespace Aperture.Tool.Host;

/// <summary>The command <c>aperture host list</c>.</summary>
internal static class HostList
{
    /// <summary>Lists devices.</summary>
    /// <returns>The exit code: 1 when something is in the way of one of those that were named.</returns>
    public static int Run(LinuxHost host, IReadOnlyList<string> addresses, bool json, TextWriter output)
    {
        var reports = host.Report(addresses);
        if (json)
            WriteJson(reports, output);
        else
            WriteText(reports, addresses.Count > 0, output);
        return addresses.Count > 0 && reports.SelectMany(report => report.Problems).Any(problem => problem.IsFatal) ? 1 : 0;
    }

    private static void WriteText(IReadOnlyList<FunctionReport> reports, bool inDetail, TextWriter output)
    {
        var console = Terminal.For(output);
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("address", "id", "class", "driver", "group", "iommu", "domain", "used");
        foreach (var report in reports)
        {
            var function = report.Function;
            table.AddRow(
                function.Address,
                string.Create(CultureInfo.InvariantCulture, $"{function.Vendor:x4}:{function.Device:x4}"),
                string.Create(CultureInfo.InvariantCulture, $"{function.Class >> 8:x4}"),
                Markup.Escape(function.Driver ?? "-"),
                function.Group?.ToString(CultureInfo.InvariantCulture) ?? "-",
                function.IsNoIommu ? "no-IOMMU" : Name(function.Iommu),
                Markup.Escape(report.Group?.Type ?? "-"),
                report.Use is null ? "" : "yes");
        }

        console.Write(table);

        // Lines of their own: in a column of the table each use would be broken into words.
        foreach (var report in reports.Where(report => report.Use is not null))
            output.WriteLine($"{report.Function.Address}: {report.Use}");
        foreach (var warning in reports.Select(report => report.Function.Warning).OfType<string>())
            output.WriteLine($"WARNING: {warning}");
        foreach (var report in inDetail ? reports : [])
            WriteDetails(report, output);
    }

    private static void WriteDetails(FunctionReport report, TextWriter output)
    {
        output.WriteLine(report.Function.Address);
        if (report.Group is { Type: not null } group)
        {
            var policy = group.Policy is { } known ? $", {known}" : "";
            output.WriteLine($"  the kernel's own domain: {group.Type}{policy}; VFIO's are their own, and strict");
        }
        if (report.Group?.AddressBits is { } bits)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  device addresses: {bits} bits"));
        foreach (var range in report.Group?.Reserved ?? [])
            output.WriteLine($"  reserved: {range.Range} {range.Kind}");
        foreach (var problem in report.Problems)
            output.WriteLine($"  {HostBinding.Label(problem)}: {problem}");
    }

    private static void WriteJson(IReadOnlyList<FunctionReport> reports, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("devices");
            foreach (var report in reports)
                Write(json, report);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void Write(Utf8JsonWriter json, FunctionReport report)
    {
        var function = report.Function;
        json.WriteStartObject();
        json.WriteString("address", function.Address);
        json.WriteString("vendor", string.Create(CultureInfo.InvariantCulture, $"{function.Vendor:x4}"));
        json.WriteString("device", string.Create(CultureInfo.InvariantCulture, $"{function.Device:x4}"));
        json.WriteString("class", string.Create(CultureInfo.InvariantCulture, $"{function.Class:x6}"));
        json.WriteString("driver", function.Driver);
        if (function.Group is { } group)
            json.WriteNumber("group", group);
        else
            json.WriteNull("group");
        json.WriteString("iommu", Name(function.Iommu));
        json.WriteString("domain", report.Group?.Type);
        json.WriteString("policy", report.Group?.Policy);
        if (report.Group?.AddressBits is { } bits)
            json.WriteNumber("addressBits", bits);
        else
            json.WriteNull("addressBits");
        json.WriteString("warning", function.Warning);
        json.WriteString("use", report.Use);
        json.WriteStartArray("reserved");
        foreach (var range in report.Group?.Reserved ?? [])
        {
            json.WriteStartObject();
            json.WriteString("first", range.Range.First.ToString());
            json.WriteString("last", range.Range.Last.ToString());
            json.WriteString("kind", range.Kind);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("problems");
        foreach (var problem in report.Problems)
        {
            json.WriteStartObject();
            json.WriteString("code", problem.Code.ToString());
            json.WriteBoolean("fatal", problem.IsFatal);
            json.WriteString("message", problem.Message);
            json.WriteString("remedy", problem.Remedy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Name(IommuKind kind) => kind switch
    {
        IommuKind.None => "none",
        IommuKind.Intel => "intel",
        IommuKind.Amd => "amd",
        IommuKind.Virtio => "virtio",
        IommuKind.ArmSmmuV3 => "smmuv3",
        IommuKind.ArmSmmu => "smmu",
        _ => "other",
    };
}
