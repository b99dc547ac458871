namespace Aperture.Devices;

/// <summary>What a handler says of an interrupt.</summary>
public enum InterruptResult
{
    /// <summary>It was not this device's, or the handler could do nothing about it.</summary>
    None,

    /// <summary>Handled.</summary>
    Handled,
}
