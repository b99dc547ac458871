using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>What a unit answers to an access.</summary>
/// <param name="Status">How it ended; unless it is <see cref="TranslationStatus.Ok"/> the rest is zero.</param>
/// <param name="Address">Where the access goes in the physical address space.</param>
/// <param name="Length">How many bytes from <paramref name="Address"/> on translate alike, at least 1: at most up to the end of the
/// page.</param>
/// <param name="Protection">What the requester may do there: <see cref="Protection.Read"/>, <see cref="Protection.Write"/>,
/// <see cref="Protection.NoExecute"/>.</param>
/// <param name="Attributes">What kind of memory the table says it is; none on units whose tables do not say.</param>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
public readonly record struct TranslationResult(
    TranslationStatus Status,
    PhysicalAddress Address = default,
    ulong Length = 0,
    Protection Protection = Protection.None,
    MemoryAttributes Attributes = MemoryAttributes.None);
