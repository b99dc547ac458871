using Aperture.Core;

namespace Aperture.GuestTests;

/// <summary>Where a page of this process is in the machine's memory (<c>/proc/self/pagemap</c>: 8 bytes for each page, frame number in the
/// low 55 bits).</summary>
internal static class PageMap
{
    public static ulong PhysicalOf(PhysicalAddress address)
    {
        using var file = File.OpenHandle("/proc/self/pagemap");
        Span<byte> entry = stackalloc byte[8];
        Check.Equal(8, RandomAccess.Read(file, entry, (long)(address.Value / 4096 * 8)));
        var frame = BitConverter.ToUInt64(entry) & ((1UL << 55) - 1);
        Check.That(frame != 0);
        return (frame << 12) + (address.Value & 0xFFF);
    }
}
