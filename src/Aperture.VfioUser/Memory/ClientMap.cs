using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.VfioUser;

/// <summary>A piece of a client's memory.</summary>
/// <param name="Range">Where the device sees it.</param>
/// <param name="Rights">What the device may do there.</param>
/// <param name="Address">Where it is mapped here; 0 where only messages go there.</param>
internal sealed record ClientMap(MemoryRange Range, Protection Rights, nint Address)
{
    /// <summary>The windows on the bus behind which messages go to the client, while these maps are those of the bus.</summary>
    public List<MessageWindow> Windows { get; } = [];
}
