using Aperture.Core.Memory;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

// Memory of devices that others have mapped.
public sealed partial class DmaSanitizer
{
    /// <summary>A device takes its memory back: whoever still has it mapped reaches what comes there next.</summary>
    internal void OnPeerGone(PeerMemory peer, CallSite site)
    {
        using (HoldAll())
        {
            t_isDriver = true;
            foreach (var mapping in AllLive)
            {
                if (mapping.IsFreed || mapping.Length == 0 || !peer.Range.Overlaps(new MemoryRange(mapping.Memory, mapping.Length)))
                    continue;
                Report(FindingKind.FreedWhileMapped, mapping.Device, mapping.Address, mapping.Length,
                    $"the memory of {peer.Provider.Name} {peer.Range} was taken back while a "
                    + $"{MappingRecord.Describe(mapping.Api)} of 0x{mapping.Length:x} bytes lay in it", site, mapping);
                mapping.Traits |= MappingTraits.Freed;
            }
        }
    }
}
