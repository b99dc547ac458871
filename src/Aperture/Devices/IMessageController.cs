using Aperture.Core;

namespace Aperture.Devices;

/// <summary>Where message interrupts arrive: gives out messages, each with an interrupt of its own.</summary>
public interface IMessageController
{
    /// <summary>Takes messages that only differ in the low bits of what is written: the first one's number is a multiple of how many there
    /// are.</summary>
    /// <param name="count">How many; a power of two.</param>
    /// <returns>The messages, in order of their numbers; null when so many are not free.</returns>
    IReadOnlyList<InterruptMessage>? TryAllocate(int count);

    /// <summary>Gives messages back, which nobody sends any more.</summary>
    /// <param name="messages">What <see cref="TryAllocate"/> gave.</param>
    void Free(IReadOnlyList<InterruptMessage> messages);
}

/// <summary>A write that is an interrupt.</summary>
/// <param name="Address">Where, as the CPU sees it; a multiple of 4.</param>
/// <param name="Data">What, 32 bits.</param>
/// <param name="Interrupt">The interrupt.</param>
public sealed record InterruptMessage(PhysicalAddress Address, uint Data, Interrupt Interrupt);
