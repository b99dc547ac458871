using Aperture.Devices;

namespace Aperture.Linux.Pci;

/// <summary>The switch between a PCI function and memory: its bus-master bit.</summary>
/// <param name="space">Its configuration space.</param>
internal sealed class FunctionMastering(ConfigurationRegisters space) : BusMastering
{
    /// <inheritdoc/>
    protected override bool TryClose()
    {
        try
        {
            space.StopMastering();
            return true;
        }
        catch (BusErrorException)
        {
            return false; // nobody knows what a function does that does not answer
        }
    }

    /// <inheritdoc/>
    protected override void Open()
    {
        try
        {
            space.ResumeMastering();
        }
        catch (BusErrorException)
        {
            // It is gone, and has nothing to go on with.
        }
    }
}
