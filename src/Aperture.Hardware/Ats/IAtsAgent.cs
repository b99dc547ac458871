using Aperture.Core;

namespace Aperture.Hardware.Ats;

/// <summary>A unit that gives translations out (the translation agent of PCI Express).</summary>
public interface IAtsAgent
{
    /// <summary>Says which device a stream is: from here on it hears of invalidations and answers.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="device">The device; of several the last counts.</param>
    void Connect(StreamId stream, IAtsDevice device);

    /// <summary>Passes a page request on to software.</summary>
    /// <param name="request">The request.</param>
    /// <returns>What becomes of it.</returns>
    PageRequestFate TryRequestPage(in AtsPageRequest request);
}
