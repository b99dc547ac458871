using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation.Walking;

/// <summary>Tables that lie in RAM and lead to physical addresses: the last stage of a translation.</summary>
/// <param name="bus">The bus.</param>
/// <param name="isCoherent">Whether the walker snoops the CPU's caches.</param>
/// <remarks>A fault has no stage and no level yet: the walker that asked adds its own.</remarks>
public readonly struct BusTableReader(SystemBus bus, bool isCoherent = false) : ITableReader
{
    private const int WholeSpace = 64;

    /// <inheritdoc/>
    public bool TryRead(PhysicalAddress at, int bytes, out ulong entry, out WalkFault fault)
    {
        bool answered;
        if (isCoherent && bus.Memory.Cache is not null)
        {
            answered = TryReadCoherent(at, bytes, out entry);
        }
        else if (bytes == sizeof(ulong))
        {
            answered = bus.TryRead64(at, out entry);
        }
        else
        {
            answered = bus.TryRead32(at, out var word);
            entry = word;
        }

        fault = answered ? default : new WalkFault(WalkFaultKind.Bus);
        return answered;
    }

    /// <inheritdoc/>
    public bool TryReplace(PhysicalAddress at, int bytes, ulong expected, ulong desired, out ulong found, out WalkFault fault)
    {
        bool answered;
        if (bytes == sizeof(ulong))
        {
            answered = bus.TryCompareExchange64(at, expected, desired, out found, isCoherent);
        }
        else
        {
            answered = bus.TryCompareExchange32(at, (uint)expected, (uint)desired, out var word, isCoherent);
            found = word;
        }

        fault = answered ? default : new WalkFault(WalkFaultKind.Bus);
        return answered;
    }

    /// <inheritdoc/>
    public bool TryResolve(PhysicalAddress address, WalkAccess access, out WalkResult result, out WalkFault fault)
    {
        result = new WalkResult(address, WholeSpace, Protection.ReadWrite);
        fault = default;
        return true;
    }

    private bool TryReadCoherent(PhysicalAddress at, int bytes, out ulong entry)
    {
        entry = 0;
        return bus.TryRead(at, MemoryMarshal.AsBytes(new Span<ulong>(ref entry))[..bytes], isCoherent: true);
    }
}
