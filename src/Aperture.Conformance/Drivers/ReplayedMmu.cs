using Aperture.Conformance.Models;
using Aperture.Devices;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>A unit of the replay: our model and driver, and what the recording says of its state.</summary>
internal sealed class ReplayedMmu(
    UnitFacts facts, TranslationUnit model, ModelProbe probe, TranslationUnit shadow, Device device, RecordedGates gates)
{
    public UnitFacts Facts { get; } = facts;

    /// <summary>The model that our driver programs.</summary>
    public TranslationUnit Model { get; } = model;

    /// <summary>A unit of the same kind that walks our tables from reset.</summary>
    public ModelProbe Probe { get; } = probe;

    /// <summary>A unit of the same kind that gets the recorded writes: its TLB is the recorded one.</summary>
    public TranslationUnit Shadow { get; } = shadow;

    public Device Device { get; } = device;

    public RecordedGates Gates { get; } = gates;

    /// <summary>The software side; null until it was probed.</summary>
    public IommuUnit? Unit => Device.Bound as IommuUnit;

    /// <summary>Registers as recorded: what was written last, by software or hardware.</summary>
    public Dictionary<uint, uint> Recorded { get; } = [];

    /// <summary>Clocks by name: use count as recorded.</summary>
    public Dictionary<string, long> RecordedClocks { get; } = [];

    /// <summary>Clocks by name: how often the recorded driver enabled them before it stopped the system or failed, and never disabled them
    /// again.</summary>
    public Dictionary<string, long> StrandedClocks { get; } = [];

    /// <summary>Reset lines by name: whether released, as recorded.</summary>
    public Dictionary<string, bool> RecordedResets { get; } = [];

    /// <summary>Whether the unit sleeps with the system.</summary>
    public bool IsAsleep { get; set; }

    /// <summary>A fault that nobody handled holds our unit back; the recorded system stopped there.</summary>
    public bool IsHeldBack { get; set; }

    /// <summary>Register traffic was left out: what commands did is not known.</summary>
    public bool HasGap { get; set; }

    /// <summary>Reads a register of the unit that gets the recorded writes.</summary>
    public uint ReadRecorded(uint offset) => Shadow.TryRead(offset, sizeof(uint), out var value) ? (uint)value : 0;

    /// <summary>Reads a register, whether the unit is clocked or not.</summary>
    public uint Read(uint offset)
    {
        var isClocked = Model.IsClocked;
        Model.IsClocked = true;
        Model.TryRead(offset, sizeof(uint), out var value);
        Model.IsClocked = isClocked;
        return (uint)value;
    }
}
