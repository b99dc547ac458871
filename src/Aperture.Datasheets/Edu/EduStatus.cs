namespace Aperture.Datasheets.Edu;

/// <summary>Bits of the status register of the educational device.</summary>
public static class EduStatus
{
    /// <summary>[0] A factorial is being computed; read-only.</summary>
    public const uint Computing = 1 << 0;

    /// <summary>[7] Raise an interrupt when a factorial is done.</summary>
    public const uint InterruptOnFactorial = 1 << 7;
}
