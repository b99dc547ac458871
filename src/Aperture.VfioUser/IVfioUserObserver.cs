using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.VfioUser;

/// <summary>Hears of what clients do, on the threads that serve them. Must not throw; what it does a client waits for.</summary>
public interface IVfioUserObserver
{
    /// <summary>A client has come.</summary>
    void OnConnected(PciFunction function)
    {
    }

    /// <summary>A client has gone.</summary>
    /// <param name="function">Whose it was.</param>
    /// <param name="reason">Why, in words.</param>
    void OnDisconnected(PciFunction function, string reason)
    {
    }

    /// <summary>A register was read or written, by one access of the bus.</summary>
    /// <param name="function">Whose register.</param>
    /// <param name="bar">Which BAR; 7 for configuration space.</param>
    /// <param name="offset">Byte offset into it.</param>
    /// <param name="width">1, 2, 4 or 8 bytes.</param>
    /// <param name="value">What was read or written.</param>
    /// <param name="isWrite">Whether it was written.</param>
    /// <param name="isAnswered">Whether the block took the access; a read of one that did not gives ones.</param>
    void OnAccess(PciFunction function, int bar, ulong offset, int width, ulong value, bool isWrite, bool isAnswered)
    {
    }

    /// <summary>The client has mapped memory.</summary>
    /// <param name="function">For whom.</param>
    /// <param name="range">Where the device sees it.</param>
    /// <param name="rights">What the device may do there.</param>
    /// <param name="isMapped">Whether it is mapped here; else messages go to it.</param>
    void OnMapped(PciFunction function, MemoryRange range, Protection rights, bool isMapped)
    {
    }

    /// <summary>The client has taken memory away.</summary>
    void OnUnmapped(PciFunction function, MemoryRange range)
    {
    }

    /// <summary>An interrupt was sent to the client.</summary>
    /// <param name="function">Whose.</param>
    /// <param name="vector">The vector of MSI-X, or -1 for the line.</param>
    void OnInterrupt(PciFunction function, int vector)
    {
    }

    /// <summary>The client has reset the function.</summary>
    void OnReset(PciFunction function)
    {
    }

    /// <summary>A message was refused.</summary>
    /// <param name="function">Whom it was for.</param>
    /// <param name="command">Its number.</param>
    /// <param name="why">Why, in words.</param>
    void OnRefused(PciFunction function, int command, string why)
    {
    }
}
