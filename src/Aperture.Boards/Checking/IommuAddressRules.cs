using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Device addresses that reserved memory keeps (<c>iommu-addresses</c>) name a device behind an IOMMU that refers back, and do not
/// overlap.</summary>
internal static class IommuAddressRules
{
    internal static void Check(CheckContext context)
    {
        var kept = new List<(DeviceTreeNode Device, ulong First, ulong Last)>();
        foreach (var node in context.Nodes.Where(node => node.Has("iommu-addresses")))
        {
            if (node.AsReservedMemory is not { } region)
            {
                context.Warning(
                    FindingCode.IommuAddresses,
                    node,
                    "has iommu-addresses but is no child of /reserved-memory: move it there, or drop the property");
                continue;
            }

            foreach (var entry in node.IommuAddresses())
                CheckEntry(context, region, entry, kept);
        }
    }

    private static void CheckEntry(
        CheckContext context,
        ReservedMemoryNode region,
        in IommuAddressRange entry,
        List<(DeviceTreeNode Device, ulong First, ulong Last)> kept)
    {
        var node = region.Node;
        if (entry.Device is not { } device)
        {
            Problem($"refers to phandle {PhandleRules.Hex(entry.Phandle)}, which no node has: correct the reference");
            return;
        }

        if (!entry.IsValid)
        {
            Problem($"cannot be read at {device.Path}: an entry is <&device address size>, in as many cells as the device's bus has");
            return;
        }

        if (entry.Size == 0)
            Warn($"reserves no bytes for {device.Path}: give it a size");
        if (!device.Has("iommus"))
            Warn($"names {device.Path}, whose DMA passes no IOMMU: nothing is reserved");
        else if (!device.MemoryRegions().Any(reference => reference.Target == node))
            Warn($"names {device.Path}, whose memory-region does not refer here: nothing is reserved; add the reference");
        if (entry.Size == 0)
            return;

        var memory = new MemoryRange(new Core.PhysicalAddress(entry.First), entry.Size);
        if (!region.Ranges.IsEmpty && !region.Ranges.Contains(memory))
            Warn($"keeps other device addresses than reg has: they are kept free for {device.Path}, and nothing is mapped there");
        var (first, last) = (entry.First, entry.Last);
        if (kept.Exists(other => other.Device == device && other.First <= last && first <= other.Last))
            Warn($"keeps device addresses 0x{first:x} to 0x{last:x} of {device.Path}, which overlap others that are kept: separate them");
        kept.Add((device, first, last));

        void Problem(string what) => context.Problem(FindingCode.IommuAddresses, node, $"iommu-addresses {what}");

        void Warn(string what) => context.Warning(FindingCode.IommuAddresses, node, $"iommu-addresses {what}");
    }
}
