using Aperture.Acpi.Iort;
using Aperture.Core;
using Aperture.Tool.Check;
using Aperture.Tool.Decode;

namespace Aperture.Tool.Tests.Check;

public sealed class AcpiTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("acpi").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_table_and_a_folder_of_tables_are_checked_and_a_bad_one_fails()
    {
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "no table");
        File.WriteAllBytes(Path.Combine(_folder, "IORT"), Table(nodeCount: 1));
        Assert.Equal((0, "0 errors, 0 warnings, 0 notes"), Check(_folder));
        Assert.Equal((0, "0 errors, 0 warnings, 0 notes"), Check(Path.Combine(_folder, "IORT")));
        File.WriteAllBytes(Path.Combine(_folder, "IORT"), Table(nodeCount: 2));
        var (code, text) = Check(_folder);
        Assert.Equal(1, code);
        Assert.Contains("acpi-count", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_is_printed_field_by_field()
    {
        var file = Path.Combine(_folder, "iort.bin");
        File.WriteAllBytes(file, Table(nodeCount: 1));
        using var output = new StringWriter();
        Assert.Equal(0, DecodeCommand.Run([file], null, null, output));
        Assert.Contains("IortSmmuV3 at 0x30", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("0x0000000009050000", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_is_refused_with_the_files_name()
    {
        var file = Path.Combine(_folder, "IORT");
        File.WriteAllBytes(file, Table(nodeCount: 1)[..40]);
        Assert.Contains(file, Assert.Throws<ApertureException>(() => Check(file)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(file, Table(nodeCount: 1));
        var error = Assert.Throws<ApertureException>(
            () => CheckCommand.Run([file], new CheckOptions { Required = ["*usb*"] }, TextWriter.Null));
        Assert.Contains("--require", error.Message, StringComparison.Ordinal);
        Assert.Equal(Status.NotFound, Assert.Throws<ApertureException>(
            () => DecodeCommand.Run([Path.Combine(_folder, "nothing")], null, null, TextWriter.Null)).Status);
    }

    private static (int Code, string Text) Check(string name)
    {
        using var output = new StringWriter();
        var code = CheckCommand.Run([name], new CheckOptions(), output);
        return (code, output.ToString().Trim());
    }

    private static byte[] Table(uint nodeCount) => new IortTable
    {
        NodeCount = nodeCount,
        NodeOffset = 0x30,
        Nodes = { new IortSmmuV3 { Address = 0x905_0000, DeviceIdMapping = 0 } },
    }.ToBytes();
}
