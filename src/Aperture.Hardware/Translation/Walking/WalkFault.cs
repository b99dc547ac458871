namespace Aperture.Hardware.Translation.Walking;

/// <summary>Where and why a walk ended without a translation.</summary>
/// <param name="Kind">Why.</param>
/// <param name="Stage">Which stage's tables say so, as the walker was told its number: 1 or 2.</param>
/// <param name="Level">The level of the entry, as the format counts: 0 is the root of the largest table.</param>
/// <param name="Address">The address that this stage was asked for. In stage 2 that is what stage 1 gave, or where stage 1 has an
/// entry.</param>
/// <param name="IsTableAccess">Whether the stage was asked for an entry of another stage's table rather than for the access itself.</param>
public readonly record struct WalkFault(WalkFaultKind Kind, int Stage = 0, int Level = 0, ulong Address = 0, bool IsTableAccess = false);
