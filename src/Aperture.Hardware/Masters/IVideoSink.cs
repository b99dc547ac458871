namespace Aperture.Hardware.Masters;

/// <summary>Where a sensor's wires end.</summary>
public interface IVideoSink
{
    /// <summary>A frame begins: vertical sync.</summary>
    void FrameStart();

    /// <summary>A line of the frame.</summary>
    /// <param name="samples">One sample to a pixel, in the low bits.</param>
    void Line(ReadOnlySpan<ushort> samples);

    /// <summary>The frame is over.</summary>
    void FrameEnd();
}
