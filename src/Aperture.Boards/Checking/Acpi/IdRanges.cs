using Aperture.Acpi;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>Ranges of ids that one node maps.</summary>
internal sealed class IdRanges(AcpiFindings findings, AcpiNode node)
{
    private readonly List<(ulong First, ulong Last)> _ranges = [];

    /// <summary>Takes a range, and says when it meets another one.</summary>
    /// <param name="first">The first id.</param>
    /// <param name="last">The last id.</param>
    /// <param name="isCountedWithOneMore">Whether makers are known to count such ranges with one id too many.</param>
    public void Add(ulong first, ulong last, bool isCountedWithOneMore = false)
    {
        if (last > uint.MaxValue)
            findings.Error(AcpiFindingCode.Ids, node, $"ids from 0x{first:x} to 0x{last:x} have more than 32 bits");
        foreach (var (otherFirst, otherLast) in _ranges)
        {
            if (first > otherLast || otherFirst > last)
                continue;
            if (isCountedWithOneMore && (first == otherLast || otherFirst == last))
            {
                var twice = first == otherLast ? first : last;
                findings.Warning(AcpiFindingCode.Ids, node,
                    $"id 0x{twice:x} is mapped twice: the number of ids of a range was written, not one less");
            }
            else
            {
                findings.Error(AcpiFindingCode.Ids, node,
                    $"ids from 0x{Math.Max(first, otherFirst):x} to 0x{Math.Min(last, otherLast):x} are mapped twice");
            }
        }

        _ranges.Add((first, last));
    }

    /// <summary>Says which ids of a PCI segment are in no range.</summary>
    public void CheckLeftOut(string what)
    {
        ulong next = 0;
        foreach (var (first, last) in _ranges.Order().Append((ushort.MaxValue + 1u, ushort.MaxValue + 1u)))
        {
            if (first > next && next <= ushort.MaxValue)
                findings.Info(AcpiFindingCode.LeftOut, node, $"ids from 0x{next:x} to 0x{Math.Min(first, 0x10000) - 1:x} {what}");
            next = Math.Max(next, last + 1);
        }
    }
}
