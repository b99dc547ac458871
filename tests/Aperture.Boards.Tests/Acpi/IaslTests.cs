using System.Diagnostics;
using Aperture.Acpi;
using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Ivrs;
using Aperture.Acpi.Mcfg;
using Aperture.Boards.Checking;
using Aperture.Boards.Checking.Acpi;
using Aperture.Boards.Tests.Checking;

namespace Aperture.Boards.Tests.Acpi;

/// <summary>Tables that Intel's compiler made (iasl, of Debian's acpica-tools): it takes ours apart, puts them together again, and what it
/// makes is read, written byte for byte, and has no false error. Skipped where there is no iasl.</summary>
public sealed class IaslTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("iasl").FullName;

    private static string Tables => Path.Combine(BoardFiles.Own, "..", "tests", "Aperture.Tests", "Acpi", "Tables");

    // VIOT and RIMT are younger than the iasl of Debian 12.
    public static TheoryData<string> Emulated =>
        [.. Directory.GetFiles(Tables, "*.bin").Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => !name.EndsWith("viot", StringComparison.Ordinal) && !name.EndsWith("rimt", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    public static TheoryData<string> Own => [.. s_own.Keys];

    private static readonly Dictionary<string, Func<AcpiTable>> s_own = new()
    {
        ["dmar"] = () => new DmarTable
        {
            Revision = 1,
            HostAddressWidth = 38,
            Nodes =
            {
                new DmarUnit { Address = 0xFED9_0000, Scopes = { Scope(DmarScope.Endpoint, 2, 0) } },
                new DmarUnit
                {
                    Address = 0xFED9_1000, Flags = 1, Scopes = { Scope(3, 30, 7), Scope(DmarScope.NamedDevice, 21, 0) },
                },
                new DmarReservedMemory { First = 0x7B80_0000, Last = 0x7FFF_FFFF, Scopes = { Scope(DmarScope.Endpoint, 2, 0) } },
                new DmarRootPortAts { Scopes = { Scope(DmarScope.Bridge, 1, 0) } },
                new DmarAffinity { Address = 0xFED9_0000, ProximityDomain = 1 },
                new DmarNamedDevice { DeviceNumber = 1, Path = @"\_SB.PCI0.I2C0" },
            },
        },
        ["ivrs"] = () => new IvrsTable
        {
            Revision = 2,
            Nodes =
            {
                new IvrsUnit
                {
                    Type = IvrsUnit.Basic, DeviceId = 2, Address = 0xFEB8_0000,
                    Devices =
                    {
                        new IvrsDeviceEntry { Type = IvrsDeviceEntry.RangeStart, DeviceId = 8 },
                        new IvrsDeviceEntry { Type = IvrsDeviceEntry.RangeEnd, DeviceId = 0xFF },
                        new IvrsDeviceEntry { Type = IvrsDeviceEntry.Select, DeviceId = 0x100, Data = 3 },
                    },
                },
                new IvrsMemory
                {
                    Type = IvrsMemory.Range, Flags = 7, DeviceId = 8, LastDeviceId = 16, Start = 0x9000_0000, Size = 0x1_0000,
                },
            },
        },
        ["iort"] = Iort,
        ["mcfg"] = () => new McfgTable
        {
            Revision = 1,
            Allocations =
            {
                new McfgAllocation { Address = 0xB000_0000, LastBus = 0xFE },
                new McfgAllocation { Address = 0x50_0000_0000, Segment = 1, FirstBus = 0x20, LastBus = 0x3F },
            },
        },
    };

    public void Dispose() => Directory.Delete(_folder, true);

    [IaslTheory]
    [MemberData(nameof(Emulated))]
    public void A_table_of_QEMU_is_the_same_after_it(string name) => Compare(File.ReadAllBytes(Path.Combine(Tables, name + ".bin")));

    [IaslTheory]
    [MemberData(nameof(Own))]
    public void A_table_that_we_wrote_is_the_same_after_it(string name) => Compare(s_own[name]().ToBytes());

    [IaslTheory]
    [InlineData("DMAR")]
    [InlineData("IORT")]
    [InlineData("IVRS")]
    [InlineData("MCFG")]
    public void Its_own_template_is_read_and_written_byte_for_byte(string signature)
    {
        Run("-T", signature);
        var made = Compile(Path.Combine(_folder, signature.ToLowerInvariant() + ".asl"));
        var table = AcpiTable.Parse(made);
        Assert.Equal(signature, table.Signature);
        Assert.Equal(made, table.ToBytes());
    }

    private void Compare(byte[] bytes)
    {
        // It takes the identifiers of nodes for reserved, and writes zeros.
        var expected = AcpiTable.Parse(bytes);
        foreach (var node in expected is IortTable iort ? iort.Nodes : [])
            node.Identifier = 0;
        var file = Path.Combine(_folder, "table.bin");
        File.WriteAllBytes(file, bytes);
        Run("-d", file);
        var made = Compile(Path.ChangeExtension(file, ".dsl"));
        Assert.Equal(Compared(expected.ToBytes()), Compared(made));
        var table = AcpiTable.Parse(made);
        Assert.True(table.HasValidChecksum);
        Assert.Equal(made, table.ToBytes());
        if (table is not McfgTable)
            Assert.DoesNotContain(AcpiChecker.Check(AcpiTableSet.Parse(made)), finding => finding.Severity == FindingSeverity.Error);
    }

    /// <summary>A table but for its checksum and for who made it, which the compiler puts in.</summary>
    private static byte[] Compared(byte[] bytes)
    {
        byte[] copy = [.. bytes];
        copy[9] = 0;
        copy.AsSpan(28, 8).Clear();
        return copy;
    }

    private byte[] Compile(string source)
    {
        Run(source);
        return File.ReadAllBytes(Path.ChangeExtension(source, ".aml"));
    }

    private void Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("iasl", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var told = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, told);
    }

    private static DmarScope Scope(byte type, byte device, byte function) =>
        new() { Type = type, EnumerationId = 1, Path = [device, function] };

    private static IortTable Iort()
    {
        var table = new IortTable { NodeOffset = 48 };
        uint end = 48;
        var its = Add(new IortItsGroup { Services = { new IortNumber() } });
        var unit = Add(new IortSmmuV3
        {
            Revision = 1,
            Address = 0x0905_0000,
            Flags = 1,
            EventInterrupt = 106,
            PriInterrupt = 107,
            ErrorInterrupt = 109,
            SyncInterrupt = 108,
            DeviceIdMapping = 0,
        }, Ids(0, 0xFFFF, 0, its));
        var old = Add(new IortSmmu
        {
            Address = 0x0A00_0000,
            Span = 0x1_0000,
            Model = 1,
            Flags = 2,
            GlobalInterrupts = { new IortInterrupt(), new IortInterrupt() },
        });
        Add(new IortRootComplex { AtsAttribute = 1, MemoryProperties = 1 }, Ids(0, 0xFF, 0, unit), Ids(0x100, 0xFFFF, 0x100, its));
        // It does not take a name that nothing is behind.
        Add(new IortNamedComponent { Path = "\\_SB.DMA0\0\0\0\0", AddressBits = 40 }, Ids(0, 0, 3, old));
        table.NodeCount = (uint)table.Nodes.Count;
        return table;

        uint Add(IortNode node, params IortIdMapping[] mappings)
        {
            uint Length() => (uint)new IortTable { NodeOffset = 48, Nodes = { node } }.ToBytes().Length - 48;
            if (mappings.Length > 0)
                node.MappingOffset = Length();
            foreach (var mapping in mappings)
                node.Mappings.Add(mapping);
            table.Nodes.Add(node);
            var at = end;
            end += Length();
            return at;
        }
    }

    private static IortIdMapping Ids(uint first, uint last, uint output, uint node) =>
        new() { InputBase = first, Count = last - first, OutputBase = output, OutputReference = node };

    private sealed class IaslTheoryAttribute : TheoryAttribute
    {
        public IaslTheoryAttribute() => Skip = Environment.GetEnvironmentVariable("PATH")?.Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "iasl"))) == true ? null : "needs iasl (package acpica-tools)";
    }
}
