namespace Aperture.Hardware.Masters;

/// <summary>Where a network card's wire ends.</summary>
public interface IFrameSink
{
    /// <summary>A frame comes along the wire.</summary>
    /// <param name="frame">Its bytes, for the length of the call.</param>
    void OnFrame(ReadOnlySpan<byte> frame);
}
