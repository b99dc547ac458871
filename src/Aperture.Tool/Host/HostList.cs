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
        var functions = addresses.Count == 0 ? host.Functions : [.. addresses.Select(host.Find)];
        if (json)
            WriteJson(host, functions, output);
        else
            WriteText(host, functions, addresses.Count > 0, output);
        return addresses.SelectMany(address => host.Explain(address)).Any(problem => problem.IsFatal) ? 1 : 0;
    }

    private static void WriteText(LinuxHost host, IReadOnlyList<PciFunction> functions, bool inDetail, TextWriter output)
    {
        var console = Terminal.For(output);
        var table = new Table().Border(TableBorder.Simple).AddColumns("address", "id", "class", "driver", "group", "iommu", "use");
        foreach (var function in functions)
        {
            table.AddRow(
                function.Address,
                string.Create(CultureInfo.InvariantCulture, $"{function.Vendor:x4}:{function.Device:x4}"),
                string.Create(CultureInfo.InvariantCulture, $"{function.Class:x6}"),
                Markup.Escape(function.Driver ?? "-"),
                function.Group?.ToString(CultureInfo.InvariantCulture) ?? "-",
                function.IsNoIommu ? "no-IOMMU" : Name(function.Iommu),
                Markup.Escape(host.UseOf(function.Address) ?? ""));
        }

        console.Write(table);
        foreach (var warning in functions.Select(function => function.Warning).OfType<string>())
            console.WriteLine($"WARNING: {warning}");
        foreach (var function in inDetail ? functions : [])
        {
            console.WriteLine(function.Address);
            foreach (var range in function.Group is { } group ? host.ReservedRanges(group) : [])
                console.WriteLine($"  reserved: {range.Range} {range.Kind}");
            foreach (var problem in host.Explain(function.Address))
                console.WriteLine($"  {HostBinding.Label(problem)}: {problem}");
        }
    }

    private static void WriteJson(LinuxHost host, IReadOnlyList<PciFunction> functions, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("devices");
            foreach (var function in functions)
                Write(json, host, function);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void Write(Utf8JsonWriter json, LinuxHost host, PciFunction function)
    {
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
        json.WriteString("warning", function.Warning);
        json.WriteString("use", host.UseOf(function.Address));
        json.WriteStartArray("reserved");
        foreach (var range in function.Group is { } number ? host.ReservedRanges(number) : [])
        {
            json.WriteStartObject();
            json.WriteString("first", range.Range.First.ToString());
            json.WriteString("last", range.Range.Last.ToString());
            json.WriteString("kind", range.Kind);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("problems");
        foreach (var problem in host.Explain(function.Address))
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
