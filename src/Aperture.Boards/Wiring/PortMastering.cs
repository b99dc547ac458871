using Aperture.Devices;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Wiring;

/// <summary>The switch in front of a simulated master: its ports.</summary>
/// <param name="ports">All ports of the master.</param>
public sealed class PortMastering(IReadOnlyList<DmaPort> ports) : BusMastering
{
    /// <inheritdoc/>
    protected override bool TryClose()
    {
        foreach (var port in ports)
            port.Close();
        return true;
    }

    /// <inheritdoc/>
    protected override void Open()
    {
        foreach (var port in ports)
            port.Open();
    }
}
