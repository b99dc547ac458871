using Aperture.Core;

namespace Aperture.Hardware.Translation.Walking;

/// <summary>What a walk found: a page.</summary>
/// <param name="Address">Where the address leads, in the space behind the last stage.</param>
/// <param name="PageShift">Log2 of the bytes around the address that translate alike: the smallest page of all stages.</param>
/// <param name="Protection">What all stages allow; attributes are those of the first stage. The page may be marked
/// <see cref="Protection.Privileged"/>
/// or <see cref="Protection.NoExecute"/> by any.</param>
public readonly record struct WalkResult(PhysicalAddress Address, int PageShift, Protection Protection)
{
    private const Protection Rights = Protection.ReadWrite;
    private const Protection Limits = Protection.NoExecute | Protection.Privileged;

    /// <summary>This translation, followed by that of the next stage.</summary>
    /// <param name="behind">What the next stage makes of <see cref="Address"/>.</param>
    internal WalkResult Then(in WalkResult behind) => new(
        behind.Address,
        Math.Min(PageShift, behind.PageShift),
        Within(Protection, behind.Protection));

    /// <summary>What is left of rights that hold within others; attributes stay.</summary>
    internal static Protection Within(Protection protection, Protection limits) =>
        (protection & (limits | ~Rights)) | (limits & Limits);
}
