using System.Globalization;

namespace Aperture.Dma.Sanitizer;

/// <summary>Tells what memory is that is not driver memory.</summary>
internal static unsafe class ForeignMemory
{
    private const long StackReach = 8 << 20; // bytes above the caller's frame that are taken for the same stack

    public static (FindingKind Kind, string What) Classify(nint pointer)
    {
        var local = 0;
        long above = pointer - (nint)(&local);
        if (above is > -65536 and < StackReach)
            return (FindingKind.StackMemory, "it is on the stack of the calling thread");
        return IsReadOnly(pointer)
            ? (FindingKind.ReadOnlyMemory, "it cannot be written")
            : (FindingKind.MovableMemory,
                "that physical address holds other bytes; it is managed memory or another allocation, which the device does not reach");
    }

    /// <summary>Looks into the list of the process's areas, where the system has one.</summary>
    private static bool IsReadOnly(nint pointer)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        foreach (var area in File.ReadLines("/proc/self/maps"))
        {
            var dash = area.IndexOf('-', StringComparison.Ordinal);
            var blank = area.IndexOf(' ', StringComparison.Ordinal);
            var start = ulong.Parse(area.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var end = ulong.Parse(area.AsSpan(dash + 1, blank - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if ((ulong)pointer >= start && (ulong)pointer < end)
                return area[blank + 2] != 'w';
        }

        return false;
    }
}
