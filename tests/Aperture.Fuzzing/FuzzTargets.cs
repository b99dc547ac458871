using System.Text;
using Aperture.Acpi;
using Aperture.Boards.Acpi;
using Aperture.Boards.Checking;
using Aperture.Boards.Checking.Acpi;
using Aperture.Boards.Units;
using Aperture.Conformance;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Firmware;

namespace Aperture.Fuzzing;

/// <summary>The readers of what others write.</summary>
internal static class FuzzTargets
{
    private const int AcpiBoardEvery = 64; // a board asks for each of 65,536 ids: for some inputs only

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    private static readonly Lazy<DeviceTree> s_board = new(() => DeviceTree.Parse(
        File.ReadAllBytes(Path.Combine(Root, "tests/Aperture.Fuzzing/Corpus/overlay-board.dtb"))));

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("device-tree", ["boards", "tests/Aperture.Fuzzing/Corpus/device-tree"], ReadTree, 16 << 10),
        new("overlay", ["tests/Aperture.Fuzzing/Corpus/overlay"], ReadOverlay, 8 << 10),
        new("acpi", ["tests/Aperture.Tests/Acpi/Tables", "tests/Aperture.Fuzzing/Corpus/acpi"], ReadTables, 4 << 10),
        new("vectors", ["tests/Aperture.Fuzzing/Corpus/vectors"], ReadVectors, 16 << 10),
    ];

    /// <summary>The one of a name, or null.</summary>
    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);

    private static void ReadTree(byte[] input)
    {
        var tree = DeviceTree.Parse(input);
        BoardChecker.Check(tree);
        BoardChecker.Require(tree, ["*"]);
        var firmware = new DeviceTreeFirmware();
        foreach (var node in tree.HardwareNodes())
        {
            Ask(() => firmware.Identify(node));
            Ask(() => firmware.Identify(node, 0x108));
            _ = (node.PciRanges(), node.DeviceName, node.Registers(), node.Interrupts(), node.TryMapPciInterrupt(1, 1, out _));
        }

        foreach (var image in FitImage.Trees(tree))
            FitImage.Data(image, input);
        var again = new DeviceTreeWriter().Copy(tree.Root).ToArray();
        if (!new DeviceTreeWriter().Copy(DeviceTree.Parse(again).Root).ToArray().AsSpan().SequenceEqual(again))
            throw new InvalidOperationException("a tree that was written is read as another one");
    }

    private static void ReadOverlay(byte[] input)
    {
        var overlay = DeviceTree.Parse(input);
        BoardChecker.Check(OverlaidTree.Apply(s_board.Value, ("a.dtbo", overlay)));
    }

    private static void ReadTables(byte[] input)
    {
        var tables = AcpiTableSet.Parse(input);
        AcpiChecker.Check(tables);
        var firmware = new AcpiFirmware(tables);
        for (var id = 0u; id < 0x200; id += 8)
            Ask(() => firmware.Identify(new AcpiPciSegment(0), id));
        Ask(() => firmware.Identify(@"\_SB.DMA0"));
        foreach (var table in tables.Tables)
        {
            table.Print(TextWriter.Null);
            var bytes = table.ToBytes();
            if (!AcpiTable.Parse(bytes).ToBytes().AsSpan().SequenceEqual(bytes))
                throw new InvalidOperationException("a table that was written is read as another one");
        }

        if (input.Length > 0 && input[^1] % AcpiBoardEvery == 0)
            Ask(() => AcpiBoard.Describe(tables));
    }

    private static void ReadVectors(byte[] input)
    {
        var replay = new VectorReplay(UnitList.Default.Kinds.Select(kind => kind.Conformance).OfType<DriverFamily>());
        replay.Run(VectorFile.Parse("fuzzed", Encoding.UTF8.GetString(input).Split('\n')));
    }

    /// <summary>Asks; a refusal does not end the others.</summary>
    private static void Ask(Action question)
    {
        try
        {
            question();
        }
        catch (ApertureException e) when (!e.Message.Contains('\n', StringComparison.Ordinal))
        {
            // what a bad description gets
        }
    }

    private static string FindRoot()
    {
        var folder = Environment.GetEnvironmentVariable("APERTURE_ROOT") ?? AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Aperture.slnx")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new ApertureException(Status.NotFound, "the repository is not around the program; say APERTURE_ROOT");
        }

        return folder;
    }
}
