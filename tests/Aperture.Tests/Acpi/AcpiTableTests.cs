using Aperture.Acpi;
using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Ivrs;
using Aperture.Acpi.Rimt;
using Aperture.Acpi.Viot;

namespace Aperture.Tests.Acpi;

public class AcpiTableTests
{
    public static TheoryData<string> All => AcpiTables.All;

    [Theory]
    [MemberData(nameof(All))]
    public void A_table_that_was_read_is_written_byte_for_byte(string name)
    {
        var bytes = AcpiTables.Read(name);
        var table = AcpiTable.Parse(bytes);
        Assert.True(table.HasValidChecksum);
        Assert.Equal(bytes, table.ToBytes());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_byte_of_a_table_is_printed_under_a_name(string name)
    {
        var table = AcpiTable.Parse(AcpiTables.Read(name));
        using var text = new StringWriter();
        table.Print(text);
        var printed = text.ToString();
        Assert.StartsWith($"{table.Signature}, {table.Length} bytes", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("Rest ", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("Unknown", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Seven_two_maps_the_first_id_of_bus_1_twice()
    {
        static IEnumerable<(uint, ulong)> Mappings(string name) => AcpiTables.Parse<IortTable>(name).Nodes.OfType<IortRootComplex>()
            .Single().Mappings.Select(mapping => (mapping.InputBase, mapping.InputLast));
        Assert.Equal([(0u, 0x100ul), (0x100u, 0xFFFFul)], Mappings("smmuv3-7.2-iort"));
        Assert.Equal([(0u, 0xFFul), (0x100u, 0xFFFFul)], Mappings("smmuv3-10.0-iort"));
        Assert.Equal([(0u, 0xFFul)], Mappings("smmuv3-11.1-iort"));
    }

    [Fact]
    public void Fields_are_where_the_specifications_have_them()
    {
        var smmu = AcpiTables.Parse<IortTable>("smmuv3-10.0-iort").Nodes.OfType<IortSmmuV3>().Single();
        Assert.Equal(0x0905_0000ul, smmu.Address);
        Assert.Equal((106u, 107u, 109u, 108u), (smmu.EventInterrupt, smmu.PriInterrupt, smmu.ErrorInterrupt, smmu.SyncInterrupt));

        var unit = AcpiTables.Parse<DmarTable>("intel-11.1-dmar").Nodes.OfType<DmarUnit>().Single();
        Assert.Equal((0xFED9_0000ul, (ushort)0, false), (unit.Address, unit.Segment, unit.IncludesAll));

        var amd = AcpiTables.Parse<IvrsTable>("amd-11.1-ivrs").Nodes.OfType<IvrsUnit>().ToArray();
        Assert.Equal([IvrsUnit.Basic, IvrsUnit.Extended], amd.Select(block => block.Type));
        Assert.All(amd, block => Assert.Equal(0xFED8_0000ul, block.Address));

        var virtio = AcpiTables.Parse<ViotTable>("virtio-arm-11.1-viot");
        Assert.Equal(8, virtio.Nodes.OfType<ViotPciUnit>().Single().Function);
        Assert.Equal((ushort)0xFF, virtio.Nodes.OfType<ViotPciRange>().Single().LastFunction);

        var riscv = AcpiTables.Parse<RimtTable>("riscv-pci-11.1-rimt");
        Assert.Equal(("00100014"[..8], true, (ushort)8), riscv.Nodes.OfType<RimtUnit>().Select(node => (
            node.HardwareId, node.IsPci, node.Function)).Single());
        Assert.Equal((9u, 0xFFF7u), riscv.Nodes.OfType<RimtRootComplex>().Single().Mappings.Select(mapping => (
            mapping.SourceBase, mapping.Count)).Single());
    }

    [Fact]
    public void Ten_thousand_tables_with_wrong_bytes_are_read_or_refused_and_never_more()
    {
        var names = AcpiTables.Names.ToArray();
        var random = new Random(20261130);
        var (read, refused) = (0, 0);
        for (var round = 0; round < 10_000; round++)
        {
            var bytes = AcpiTables.Read(names[round % names.Length]);
            for (var i = random.Next(1, 5); i > 0; i--)
                bytes[random.Next(4, bytes.Length)] = (byte)(random.Next(3) == 0 ? 0xFF : random.Next(256));
            try
            {
                var table = AcpiTable.Parse(bytes.AsMemory(0, random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length));
                table.ToBytes();
                table.Print(TextWriter.Null);
                read++;
            }
            catch (AcpiException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }

        Assert.InRange(read, 1000, 9999);
        Assert.InRange(refused, 1000, 9999);
    }

    [Theory]
    [InlineData("", "0 bytes are no ACPI table")]
    [InlineData("APIC", "'APIC' is no table of IOMMUs")]
    [InlineData("\u0001\u0002\u0003\u0004", "no ACPI table begins with the bytes 01020304")]
    public void What_is_no_table_of_IOMMUs_is_refused_by_name(string signature, string message)
    {
        var bytes = signature.Length == 0 ? [] : new byte[64];
        for (var i = 0; i < signature.Length; i++)
            bytes[i] = (byte)signature[i];
        Assert.Contains(message, Assert.Throws<AcpiException>(() => AcpiTable.Parse(bytes)).Message, StringComparison.Ordinal);
    }
}
