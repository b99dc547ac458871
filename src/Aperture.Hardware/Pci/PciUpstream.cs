using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

/// <summary>Where accesses with a requester id go when they leave the root complex.</summary>
/// <param name="Unit">The unit that stands between them and memory; null for none.</param>
/// <param name="Stream">The number by which the unit knows them.</param>
public sealed record PciUpstream(TranslationUnit? Unit, StreamId Stream)
{
    /// <summary>Whether they go anywhere: without it nothing with this id gets to memory.</summary>
    public bool IsOpen { get; init; } = true;

    /// <summary>Whether they snoop the CPU's caches.</summary>
    public bool IsCoherent { get; init; }

    /// <summary>What the root complex passes; empty, the default, for every address as it is. See <see cref="DmaPort.Windows"/>.</summary>
    public IReadOnlyList<BusWindow> Windows { get; init; } = [];
}
