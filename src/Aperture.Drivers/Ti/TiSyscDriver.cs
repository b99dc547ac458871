using Aperture.Devices;

namespace Aperture.Drivers.Ti;

/// <summary>Driver of TI's interconnect target modules (<c>ti,sysc</c>): the wrapper that gates clock and reset of the module
/// inside and holds its idle settings. It is a supplier of what lies inside.</summary>
public sealed class TiSyscDriver : IDriver
{
    /// <inheritdoc/>
    public string Name => "ti-sysc";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["ti,sysc"];

    /// <inheritdoc/>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var module = new TiSysc(device);
        module.RuntimeResume();
        try
        {
            module.SoftReset();
            return module;
        }
        catch
        {
            module.RuntimeSuspend();
            throw;
        }
    }
}
