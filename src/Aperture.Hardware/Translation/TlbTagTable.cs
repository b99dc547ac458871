using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>Gives tags the 32-bit numbers by which translation caches compare them: the address space in the low bits, and above it a
/// small number for virtual machine and world, so that "all address spaces of a machine" is a mask.</summary>
/// <remarks>For one thread at a time: under the lock of the unit's registers, where tags change. Look-ups take the numbers.</remarks>
public sealed class TlbTagTable
{
    /// <summary>Pairs of virtual machine and world that can have numbers at once.</summary>
    public const int Capacity = 1 << (32 - TlbTag.AsidBits);

    private readonly Dictionary<(uint Vmid, TlbWorld World), uint> _machines = [];

    /// <summary>The number of a tag: always the same until <see cref="Clear"/>.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="number">Its number; 0 if there is none left.</param>
    /// <returns>False where <see cref="Capacity"/> other machines have numbers: the unit invalidates its caches, clears the table and asks
    /// again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The address space has more than <see cref="TlbTag.AsidBits"/> bits.</exception>
    public bool TryGetNumber(TlbTag tag, out uint number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tag.Asid, TlbTag.AsidMask);
        number = 0;
        if (!_machines.TryGetValue((tag.Vmid, tag.World), out var machine))
        {
            if (_machines.Count == Capacity)
                return false;
            machine = (uint)_machines.Count;
            _machines.Add((tag.Vmid, tag.World), machine);
        }

        number = (machine << TlbTag.AsidBits) | tag.Asid;
        return true;
    }

    /// <summary>The number of a tag on a unit with no more machines than the table can number.</summary>
    /// <param name="tag">The tag.</param>
    /// <exception cref="ApertureException">The table is full.</exception>
    public uint NumberOf(TlbTag tag) => TryGetNumber(tag, out var number) ? number
        : throw new ApertureException(Status.OutOfRange, $"no number is left for the translations of virtual machine {tag.Vmid}");

    /// <summary>The number that a machine has, without giving it one: what an invalidation asks, as a machine without a number has no
    /// entries.</summary>
    /// <param name="tag">The tag; its address space may be anything.</param>
    /// <param name="number">Its number.</param>
    public bool TryFind(TlbTag tag, out uint number)
    {
        var isKnown = _machines.TryGetValue((tag.Vmid, tag.World), out var machine);
        number = (machine << TlbTag.AsidBits) | (tag.Asid & TlbTag.AsidMask);
        return isKnown;
    }

    /// <summary>Takes every number back. No cache may hold an entry under one.</summary>
    public void Clear() => _machines.Clear();
}
