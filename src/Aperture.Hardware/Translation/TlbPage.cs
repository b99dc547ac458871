using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>A translation, as it goes into a translation cache.</summary>
/// <param name="Page">Any byte of the page, as the device sees it; the one of the access that brought it in is found again fastest.</param>
/// <param name="Shift">Log2 of the page size, 12 to 63.</param>
/// <param name="Target">Any byte of the physical page.</param>
/// <param name="Info">A word for the cache's owner.</param>
/// <param name="More">Another word for the owner.</param>
/// <param name="Protection">What the answer says of rights.</param>
/// <param name="Attributes">What the answer says of the memory.</param>
/// <param name="IsWhole">Whether the page translates alike up to its end; if not, only <see cref="TranslationCache.Lookup"/> finds it, and
/// its owner knows more.</param>
/// <param name="IsGlobal">Whether the entry serves every address space of its virtual machine.</param>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
public readonly record struct TlbPage(
    Iova Page,
    int Shift,
    PhysicalAddress Target = default,
    ulong Info = 0,
    ulong More = 0,
    Protection Protection = Protection.ReadWrite,
    MemoryAttributes Attributes = MemoryAttributes.None,
    bool IsWhole = true,
    bool IsGlobal = false);
