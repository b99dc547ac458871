using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Drivers.Msm;

/// <summary>Where a master's accesses go.</summary>
/// <param name="Master">The master.</param>
/// <param name="Machines">Its machine IDs on the unit.</param>
/// <param name="Context">The bank that they lead to, or null for none: they are refused.</param>
internal sealed record MsmPlace(Device Master, StreamId[] Machines, MsmContext? Context)
{
    public bool Has(uint machine)
    {
        foreach (var stream in Machines)
        {
            if (stream.Value == machine)
                return true;
        }

        return false;
    }
}
