namespace Aperture.Drivers.Edu;

/// <summary>How the driver learns that the educational device is done.</summary>
public enum EduWait
{
    /// <summary>The device raises its interrupt.</summary>
    Interrupt,

    /// <summary>The driver looks at the device's registers, and the device raises nothing.</summary>
    Poll,
}
