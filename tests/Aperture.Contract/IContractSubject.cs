using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Contract;

/// <summary>An IOMMU, simulated or real, that is held to the contract of the IOMMU API: domains, masters behind the unit, and memory for
/// them to reach.</summary>
/// <remarks>One subject serves all checks in turn. Between two checks no domain of the contract's is left, and none is in force.</remarks>
public interface IContractSubject
{
    /// <summary>What it is, for messages.</summary>
    string Name { get; }

    /// <summary>The unit that makes the domains. Its masters are the subject's.</summary>
    IommuUnit Unit { get; }

    /// <summary>Masters in groups of their own that can be in the same domain: one at least; with two or more the checks of sharing are
    /// made. No driver uses their groups, and they are in no domain but the core's.</summary>
    IReadOnlyList<IContractMaster> Masters { get; }

    /// <summary>The physical address of the memory, a multiple of 1 MiB (2 MiB where the unit has pages of that size); on a real host an
    /// address of the process.</summary>
    PhysicalAddress Memory { get; }

    /// <summary>Bytes of memory, contiguous in physical addresses; at least 4 MiB. Nothing else uses it.</summary>
    int MemoryBytes { get; }

    /// <summary>What the subject cannot keep, by the name of the check, with the reason; each of these checks must indeed fail. Empty for a
    /// subject without any.</summary>
    IReadOnlyDictionary<string, string> Differences { get; }

    /// <summary>How much of each thing the unit and its domains use, by name: pages, bytes of tables, contexts; empty where the subject
    /// cannot tell.</summary>
    IReadOnlyDictionary<string, long> InUse => new Dictionary<string, long>();

    /// <summary>Switches the unit off or on, as its runtime power would; nobody accesses it in between.</summary>
    /// <param name="isOn">Which.</param>
    /// <param name="losesState">Whether its registers and caches are lost while it is off.</param>
    /// <returns>False where the unit's power is not the subject's to switch; nothing was done.</returns>
    bool TryPower(bool isOn, bool losesState) => false;

    /// <summary>The CPU writes into the memory, and sees to it that the masters see it.</summary>
    void Store(int offset, ReadOnlySpan<byte> bytes);

    /// <summary>The CPU reads from the memory what the masters wrote there.</summary>
    void Load(int offset, Span<byte> bytes);
}
