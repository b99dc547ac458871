using Aperture.Core;

namespace Aperture.Hardware.Translation.Walking;

/// <summary>The space in which a walker's tables lie and into which they lead: the bus, or another stage of translation. Implemented by
/// structs, so that walkers are compiled for each.</summary>
public interface ITableReader
{
    /// <summary>Reads an entry.</summary>
    /// <param name="at">Where it lies; a multiple of <paramref name="bytes"/>.</param>
    /// <param name="bytes">4 or 8.</param>
    /// <param name="entry">The entry, in the low bytes.</param>
    /// <param name="fault">Why it could not be read.</param>
    bool TryRead(PhysicalAddress at, int bytes, out ulong entry, out WalkFault fault);

    /// <summary>Replaces an entry if it holds what is expected, in one step.</summary>
    /// <param name="at">Where it lies; a multiple of <paramref name="bytes"/>.</param>
    /// <param name="bytes">4 or 8.</param>
    /// <param name="expected">What must be there.</param>
    /// <param name="desired">What is there afterwards.</param>
    /// <param name="found">What was there; it was replaced only if that is <paramref name="expected"/>.</param>
    /// <param name="fault">Why it could not be done.</param>
    bool TryReplace(PhysicalAddress at, int bytes, ulong expected, ulong desired, out ulong found, out WalkFault fault);

    /// <summary>Says where an address leads that the tables gave.</summary>
    /// <param name="address">The address.</param>
    /// <param name="access">What is wanted there.</param>
    /// <param name="result">Where it leads.</param>
    /// <param name="fault">Why it leads nowhere.</param>
    bool TryResolve(PhysicalAddress address, WalkAccess access, out WalkResult result, out WalkFault fault);
}
