using System.Globalization;
using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// Who holds device addresses, for messages of the DMA API.
public sealed partial class DmaSanitizer
{
    private const int MostHolders = 4; // named in one message

    /// <summary>Who holds most of the device addresses of a context's space, by device and line.</summary>
    internal string? DescribeHolders(DmaContext context)
    {
        using (HoldAll())
        {
            var holders = AllLive.Where(mapping => mapping.Space.Key == KeyOf(context.Device))
                .GroupBy(mapping => (mapping.Device, mapping.Made))
                .Select(group => (group.Key.Device, group.Key.Made, Count: group.Count(),
                    Bytes: group.Aggregate(0UL, (sum, mapping) => sum + mapping.Length)))
                .OrderByDescending(holder => holder.Bytes).ThenBy(holder => holder.Made.ToString(), StringComparer.Ordinal).ToArray();
            if (holders.Length == 0)
                return null;
            var names = string.Join(", ", holders.Take(MostHolders).Select(holder => string.Create(CultureInfo.InvariantCulture,
                $"{holder.Device} ({holder.Count} with 0x{holder.Bytes:x} bytes, made at {holder.Made})")));
            return $"held by {names}{(holders.Length > MostHolders ? $" and {holders.Length - MostHolders} others" : "")}";
        }
    }

    /// <summary>The first mapping on the pages of a range of device addresses.</summary>
    internal string? DescribeHolder(DmaContext context, Iova first, ulong bytes)
    {
        const ulong Offset = (1UL << PageIndex.Shift) - 1;
        var (start, last) = (first.Value & ~Offset, (first.Value + (bytes - 1)) | Offset);
        using (HoldAll())
        {
            return AllLive.Where(mapping => mapping.Space.Key == KeyOf(context.Device) && mapping.Start <= last && mapping.Last >= start)
                .OrderBy(mapping => mapping.Start).FirstOrDefault()?.Record.ToString();
        }
    }
}
