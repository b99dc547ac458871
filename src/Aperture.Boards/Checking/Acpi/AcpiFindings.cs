using System.Globalization;
using Aperture.Acpi;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>Collects findings about tables, and knows the rules that several tables share.</summary>
internal sealed class AcpiFindings
{
    private const ulong PageMask = 0xFFF;

    private readonly List<Finding> _all = [];
    private readonly List<(ulong First, ulong Last, string Where)> _reserved = [];

    /// <summary>The table that is being looked at.</summary>
    public AcpiTable? Table { get; set; }

    public IReadOnlyList<Finding> All => _all;

    public void Error(string code, AcpiNode? node, FormattableString message) => Add(code, FindingSeverity.Error, node, message);

    public void Warning(string code, AcpiNode? node, FormattableString message) => Add(code, FindingSeverity.Warning, node, message);

    public void Info(string code, AcpiNode? node, FormattableString message) => Add(code, FindingSeverity.Info, node, message);

    /// <summary>The nodes are as many as the table says.</summary>
    public void CheckCount(ulong said, int found)
    {
        if (said != (ulong)found)
            Error(AcpiFindingCode.Count, null, $"the table says that it has {said} nodes, and has {found}");
    }

    /// <summary>No two units have the same registers, and each has some.</summary>
    public void CheckRegisters(IEnumerable<(AcpiNode Unit, ulong Address)> units)
    {
        var known = new Dictionary<ulong, AcpiNode>();
        foreach (var (unit, address) in units)
        {
            if (address == 0)
                Error(AcpiFindingCode.Registers, unit, $"the unit has no registers: its address is 0");
            else if ((address & PageMask) != 0)
                Error(AcpiFindingCode.Registers, unit, $"the registers are at 0x{address:x}, which is no multiple of 4096");
            else if (!known.TryAdd(address, unit))
                Error(AcpiFindingCode.Registers, unit,
                    $"the registers at 0x{address:x} are those of the unit at offset 0x{known[address].Offset:x}");
        }
    }

    /// <summary>Reserved memory is some whole pages.</summary>
    /// <param name="node">Who reserves it.</param>
    /// <param name="first">The first byte.</param>
    /// <param name="last">The last byte.</param>
    /// <param name="granule">What it must be a multiple of, in bytes.</param>
    public void CheckReserved(AcpiNode node, ulong first, ulong last, ulong granule)
    {
        if (last < first)
            Error(AcpiFindingCode.Reserved, node, $"reserved memory goes from 0x{first:x} to 0x{last:x}: backwards, or nothing");
        else if ((first & (granule - 1)) != 0 || ((last + 1) & (granule - 1)) != 0)
            Error(AcpiFindingCode.Reserved, node, $"reserved memory from 0x{first:x} to 0x{last:x} is no multiple of 0x{granule:x}");
        else
            CheckOverlap(node, first, last);
    }

    private void CheckOverlap(AcpiNode node, ulong first, ulong last)
    {
        foreach (var (otherFirst, otherLast, where) in _reserved)
        {
            // The same memory for several devices is described once for each.
            if (first <= otherLast && otherFirst <= last && (first, last) != (otherFirst, otherLast))
            {
                Warning(AcpiFindingCode.Reserved, node,
                    $"reserved memory from 0x{first:x} to 0x{last:x} overlaps that from 0x{otherFirst:x} to 0x{otherLast:x} of {where}");
            }
        }

        _reserved.Add((first, last, Where(node)));
    }

    private void Add(string code, FindingSeverity severity, AcpiNode? node, FormattableString message) =>
        _all.Add(new Finding(code, severity, Where(node), message.ToString(CultureInfo.InvariantCulture)));

    private string Where(AcpiNode? node) => node is null ? Table!.Signature
        : string.Create(CultureInfo.InvariantCulture, $"{Table!.Signature}+0x{node.Offset:x}");
}
