using Aperture.Devices;

namespace Aperture.Drivers.Msm;

/// <summary>Runtime power. Nothing is saved: the books hold everything, and a resume programs it all.</summary>
public sealed partial class MsmIommuUnit
{
    /// <summary>Brings the unit to where its domains are in force.</summary>
    /// <exception cref="BusErrorException">The registers do not answer.</exception>
    public void RuntimeResume()
    {
        using (_lock.Hold())
        {
            if (_isActive)
                return;
            _clocks.Enable();
            try
            {
                ProgramAll();
                _isActive = true;
            }
            finally
            {
                _clocks.Disable();
            }
        }
    }

    /// <summary>Makes the unit quiet.</summary>
    /// <exception cref="BusErrorException">The registers do not answer. The unit counts as suspended all the same.</exception>
    public void RuntimeSuspend()
    {
        using (_lock.Hold())
        {
            if (!_isActive)
                return;
            _isActive = false;
            _clocks.Enable();
            try
            {
                foreach (var context in _contexts)
                {
                    if (context.Domain is { IsPaging: true })
                        Quiet(context);
                }
            }
            finally
            {
                _clocks.Disable();
            }
        }
    }
}
