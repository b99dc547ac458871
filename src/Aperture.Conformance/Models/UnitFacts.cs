using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Models;

/// <summary>What a file tells about one register block, wherever it tells it: enough to build the model.</summary>
public sealed class UnitFacts
{
    private UnitFacts(
        VectorEvent unit, IReadOnlyDictionary<uint, uint> resetValues, VectorEvent? probe, VectorEvent? behaviour, bool splitsGroups)
    {
        Name = unit.Text("unit");
        Address = unit.Hex("pa");
        Size = SizeOf(unit);
        ResetValues = resetValues;
        Probe = probe;
        Behaviour = behaviour;
        SplitsGroups = splitsGroups;
    }

    /// <summary>The block's name.</summary>
    public string Name { get; }

    /// <summary>The device that the block belongs to, alone or as one of several that work as one.</summary>
    public string Device => Probe is { } probe && probe.Has("dev") ? probe.Text("dev") : Name;

    /// <summary>Its physical address.</summary>
    public ulong Address { get; }

    /// <summary>Bytes of registers.</summary>
    public uint Size { get; }

    /// <summary>Values of registers after reset; all others are zero.</summary>
    public IReadOnlyDictionary<uint, uint> ResetValues { get; }

    /// <summary>The call that finds the block, if the file has it.</summary>
    public VectorEvent? Probe { get; }

    /// <summary>What the file says of how the hardware behaves, if it does.</summary>
    public VectorEvent? Behaviour { get; }

    /// <summary>Whether the file attaches masters of one group each by itself, see <see cref="RecordedGroups"/>.</summary>
    public bool SplitsGroups { get; }

    /// <summary>The reset value of a register.</summary>
    public uint Reset(uint offset) => ResetValues.GetValueOrDefault(offset);

    /// <summary>The register that a line is about.</summary>
    /// <exception cref="VectorException">The block has none there.</exception>
    public uint OffsetOf(VectorEvent line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return OffsetOf(line, Size);
    }

    /// <summary>Collects what a file tells about the block that a <c>unit</c> line introduces.</summary>
    public static UnitFacts Collect(VectorFile file, VectorEvent unit)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(unit);
        var (name, size) = (unit.Text("unit"), SizeOf(unit));
        var resets = new Dictionary<uint, uint>();
        VectorEvent? probe = null;
        VectorEvent? behaviour = null;
        foreach (var line in file.Events)
        {
            if (line.Kind == "reset" && line.Text("unit") == name)
                resets[OffsetOf(line, size)] = line.Word("val");
            else if (line.Call == "probe" && (!line.Has("dev") || IsBlockOf(name, line)))
                probe ??= line;
            else if (line.Kind == "model" && line.Has("unit") && line.Text("unit") == name)
                behaviour ??= line;
        }

        return new UnitFacts(unit, resets, probe, behaviour, RecordedGroups.AreSplit(file));
    }

    private static uint SizeOf(VectorEvent unit) => unit.Number("size") is var size and > 0 and <= 1 << 20 && size % 4 == 0
        ? (uint)size
        : throw unit.Bad($"'size' is {unit.Number("size")}");

    private static uint OffsetOf(VectorEvent line, uint size) =>
        line.Word("off") is var offset && offset % sizeof(uint) == 0 && offset < size
            ? offset
            : throw line.Bad($"unit {line.Text("unit")} has no register at 0x{line.Word("off"):x}");

    /// <summary>Whether a block is a device's only one, or one of its banks: those have the device's name and a number.</summary>
    private static bool IsBlockOf(string name, VectorEvent probe)
    {
        var device = probe.Text("dev");
        return name == device
            || (probe.Has("banks") && probe.Number("banks") > 1
                && name.Length > device.Length + 1 && name.StartsWith(device + '.', StringComparison.Ordinal)
                && name.AsSpan(device.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0);
    }
}
