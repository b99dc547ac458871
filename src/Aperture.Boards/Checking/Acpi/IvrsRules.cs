using Aperture.Acpi;
using Aperture.Acpi.Ivrs;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>What IVRS must hold (AMD specification 48882, section 5).</summary>
internal static class IvrsRules
{
    private const ulong Page = 4096;

    public static void Check(IvrsTable table, AcpiFindings findings)
    {
        // Blocks of several types are about one unit: software takes the highest type that it knows.
        var units = table.Nodes.OfType<IvrsUnit>().GroupBy(unit => (unit.Segment, unit.DeviceId)).Select(same => same.MaxBy(
            unit => unit.Type)!).ToArray();
        if (units.Length == 0)
            findings.Error(AcpiFindingCode.Count, null, $"there is no unit");
        findings.CheckRegisters(units.Select(unit => ((AcpiNode)unit, unit.Address)));
        foreach (var segment in units.GroupBy(unit => unit.Segment))
        {
            var ranges = new IdRanges(findings, segment.First());
            foreach (var unit in segment)
                CheckDevices(unit, ranges, findings);
        }

        foreach (var node in table.Nodes)
        {
            switch (node)
            {
                case IvrsMemory memory:
                    CheckMemory(memory, findings);
                    break;
                case IvrsUnknown:
                    findings.Info(AcpiFindingCode.Unknown, node, $"a block of type 0x{node.Type:x2}, of which nothing is known");
                    break;
            }
        }
    }

    private static void CheckDevices(IvrsUnit unit, IdRanges ranges, AcpiFindings findings)
    {
        IvrsDeviceEntry? first = null;
        var isEmpty = true;
        foreach (var entry in unit.Devices)
        {
            isEmpty &= entry.Type == IvrsDeviceEntry.Padding;
            switch (entry.Type)
            {
                case IvrsDeviceEntry.All:
                    ranges.Add(0, ushort.MaxValue);
                    break;
                case IvrsDeviceEntry.Select or IvrsDeviceEntry.ExtendedSelect or IvrsDeviceEntry.AliasSelect:
                    ranges.Add(entry.DeviceId, entry.DeviceId);
                    break;
                case IvrsDeviceEntry.RangeStart or IvrsDeviceEntry.ExtendedRange or IvrsDeviceEntry.AliasRange:
                    if (first is not null)
                        findings.Error(AcpiFindingCode.Ids, unit,
                            $"a range begins at 0x{entry.DeviceId:x} before that from 0x{first.DeviceId:x} has ended");
                    first = entry;
                    break;
                case IvrsDeviceEntry.RangeEnd when first is null:
                    findings.Error(AcpiFindingCode.Ids, unit, $"a range ends at 0x{entry.DeviceId:x} that never began");
                    break;
                case IvrsDeviceEntry.RangeEnd:
                    if (entry.DeviceId < first.DeviceId)
                        findings.Error(AcpiFindingCode.Ids, unit, $"a range goes from 0x{first.DeviceId:x} to 0x{entry.DeviceId:x}");
                    else
                        ranges.Add(first.DeviceId, entry.DeviceId);
                    first = null;
                    break;
            }
        }

        if (first is not null)
            findings.Error(AcpiFindingCode.Ids, unit, $"the range from 0x{first.DeviceId:x} never ends");
        if (isEmpty)
            findings.Warning(AcpiFindingCode.LeftOut, unit, $"the unit is for no device");
    }

    private static void CheckMemory(IvrsMemory memory, AcpiFindings findings)
    {
        findings.CheckReserved(memory, memory.Start, memory.Start + memory.Size - 1, Page);
        if (memory.Type == IvrsMemory.Range && memory.LastDeviceId < memory.DeviceId)
            findings.Error(AcpiFindingCode.Ids, memory, $"memory for the devices from 0x{memory.DeviceId:x} to 0x{memory.LastDeviceId:x}");
        if (memory is { IsUnity: false, IsExclusion: false })
            findings.Warning(AcpiFindingCode.Reserved, memory, $"memory that is neither mapped nor left out of translation");
        if (memory is { IsUnity: true, CanRead: false, CanWrite: false })
            findings.Warning(AcpiFindingCode.Reserved, memory, $"memory that devices may neither read nor write");
    }
}
