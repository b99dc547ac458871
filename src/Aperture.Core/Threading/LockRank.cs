namespace Aperture.Core.Threading;

/// <summary>The order in which one thread may take <see cref="GatedLock"/>s: always a higher rank than all it holds.</summary>
public enum LockRank
{
    /// <summary>A flush of unmaps that waited.</summary>
    Flush,

    /// <summary>A ring of unmaps that wait for their invalidation.</summary>
    FlushRing,

    /// <summary>A unit driver's sequences of register accesses.</summary>
    Registers,

    /// <summary>The registers of a model.</summary>
    Unit,
}
