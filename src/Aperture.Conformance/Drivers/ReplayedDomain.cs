using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>A domain of the replay.</summary>
internal sealed class ReplayedDomain(string label)
{
    public string Label { get; } = label;

    /// <summary>The unit whose kind the domain is of.</summary>
    public ReplayedMmu? Mmu { get; set; }

    /// <summary>Our domain; null while the recorded one has no tables.</summary>
    public IommuDomain? Ours { get; set; }

    /// <summary>The recorded first-level tables: one, or one for each unit.</summary>
    public List<ulong> RecordedRoots { get; } = [];

    /// <summary>What the recorded fault handler answers; null without one.</summary>
    public long? HandlerAnswer { get; set; }

    /// <summary>The faults that ours reported in the current call.</summary>
    public List<FaultReport> Faults { get; } = [];

    /// <summary>First-level entries where only one of the two has a table, one without entries.</summary>
    public HashSet<int> EmptyTables { get; } = [];

    /// <summary>Answers a fault as the recorded handler did.</summary>
    public FaultResponse Answer(in FaultReport report)
    {
        Faults.Add(report);
        return HandlerAnswer == 0 ? FaultResponse.Retry : FaultResponse.Unhandled;
    }
}
