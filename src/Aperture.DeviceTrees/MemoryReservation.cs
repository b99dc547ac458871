using Aperture.Core;

namespace Aperture.DeviceTrees;

/// <summary>An entry of the memory reservation block.</summary>
/// <param name="Start">The first byte.</param>
/// <param name="Length">Bytes; not zero. Start and length are as the blob has them: they may run past the end of the address space.</param>
public readonly record struct MemoryReservation(PhysicalAddress Start, ulong Length);
