using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Mcfg;
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

    [Fact]
    public void A_machine_of_tables_runs_and_what_has_no_model_says_so()
    {
        File.WriteAllBytes(Path.Combine(_folder, "IORT"), Board());
        File.WriteAllBytes(Path.Combine(_folder, "MCFG"), new McfgTable
        {
            Allocations = { new McfgAllocation { Address = 0x40_1000_0000, LastBus = 0xFF } },
        }.ToBytes());
        var (code, output, error) = Run.Tool.Run(_folder);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("4010000000.pcie", output, StringComparison.Ordinal);
        Assert.Contains("all held", output, StringComparison.Ordinal);
        Assert.Equal((0, "0 errors, 0 warnings, 0 notes"), Check(_folder));

        var dmar = Path.Combine(_folder, "dmar.bin");
        File.WriteAllBytes(dmar, new DmarTable { Nodes = { new DmarUnit { Address = 0xFED9_0000, Flags = 1 } } }.ToBytes());
        (code, output, error) = Run.Tool.Run(dmar);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith($"{dmar}: vt-d@fed90000 cannot be booted: it is not modelled", error, StringComparison.Ordinal);
    }

    private static byte[] Board() => new IortTable
    {
        NodeCount = 2,
        NodeOffset = 48,
        Nodes =
        {
            new IortSmmuV3 { Address = 0x0905_0000, EventInterrupt = 106, ErrorInterrupt = 109, DeviceIdMapping = 0 },
            new IortRootComplex
            {
                MappingOffset = 36, Mappings = { new IortIdMapping { Count = 0xFFFF, OutputReference = 48 } },
            },
        },
    }.ToBytes();

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
