using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.DeviceTrees;

namespace Aperture.Drivers.Omap;

/// <summary>What a driver must be told of an OMAP MMU because no register says it.</summary>
public sealed record OmapMmuDescription
{
    private const string DspCompatible = "ti,dra7-dsp-iommu";

    /// <summary>Number of TLB entries: 8 or 32.</summary>
    public int TlbEntries { get; init; } = 32;

    /// <summary>Whether faults are to be answered with bus errors instead of holding the access back (IPU MMUs).</summary>
    public bool BusErrorBack { get; init; }

    /// <summary>Whether the MMU needs the enable bit of a DSP_SYSTEM block (DRA7 DSP).</summary>
    public bool NeedsSystem { get; init; }

    /// <summary>Which enable bit of SYS_MMU_CONFIG is this MMU's: 0 (MDMA), 1 (EDMA), or null without such a block.</summary>
    public int? SystemInstance { get; init; }

    /// <summary>Whether addresses pass unchanged while the MMU is off. Not so on the IPU MMU of DRA7 (DRA75x TRM ch. 20).</summary>
    public bool HasBypass { get; init; } = true;

    /// <summary>Reads the properties of a node: <c>ti,#tlb-entries</c>, <c>ti,iommu-bus-err-back</c>, <c>ti,syscon-mmuconfig</c>.</summary>
    /// <param name="name">The device's name, for messages.</param>
    /// <param name="node">Its node, or null for the defaults.</param>
    /// <exception cref="ApertureException">A property cannot be read.</exception>
    public static OmapMmuDescription Read(string name, DeviceTreeNode? node)
    {
        if (node is null)
            return new OmapMmuDescription();
        const string entries = "ti,#tlb-entries";
        if (node.Has(entries) && node.U32(entries) is null)
            throw new ApertureException(Status.InvalidArgument, $"{name}: {entries} is not one number");
        return new OmapMmuDescription
        {
            TlbEntries = node.Has(entries) ? (int)Math.Min(node.U32(entries)!.Value, int.MaxValue) : 32,
            BusErrorBack = node.Has("ti,iommu-bus-err-back"),
            NeedsSystem = node.IsCompatible(DspCompatible),
            SystemInstance = ReadInstance(name, node),
            HasBypass = !node.IsCompatible("ti,dra7-iommu"),
        };
    }

    /// <summary>Refuses what no MMU is.</summary>
    internal void Check(string name)
    {
        if (TlbEntries is not (8 or 32))
            throw new ApertureException(Status.InvalidArgument, $"{name}: an OMAP MMU has 8 or 32 TLB entries, not {TlbEntries}");
        if (NeedsSystem && SystemInstance is null)
            throw new ApertureException(
                Status.InvalidArgument,
                $"{name}: a DSP MMU needs ti,syscon-mmuconfig, a reference to its DSP_SYSTEM block and its number there");
        if (SystemInstance is < 0 or >= DspSystemRegisters.Mmus)
            throw new ApertureException(
                Status.InvalidArgument,
                $"{name}: ti,syscon-mmuconfig names MMU {SystemInstance} of {DspSystemRegisters.Mmus}");
    }

    private static int? ReadInstance(string name, DeviceTreeNode node)
    {
        const string property = "ti,syscon-mmuconfig";
        if (!node.IsCompatible(DspCompatible) || node.Property(property) is not { } reference)
            return null;
        if (reference.CellCount < 2)
            throw new ApertureException(Status.InvalidArgument, $"{name}: {property} lacks the number of the MMU");
        return (int)Math.Min(reference.Cell(1), int.MaxValue);
    }
}
