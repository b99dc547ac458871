using System.Reflection;
using Aperture.Acpi;

namespace Aperture.Tests.Acpi;

/// <summary>The tables in the folder beside.</summary>
internal static class AcpiTables
{
    private const string Prefix = "acpi/";

    public static IEnumerable<string> Names => Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(
            StringComparer.Ordinal);

    public static TheoryData<string> All => [.. Names];

    public static byte[] Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Prefix + name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public static T Parse<T>(string name)
        where T : AcpiTable => Assert.IsType<T>(AcpiTable.Parse(Read(name)));
}
