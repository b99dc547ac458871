namespace Aperture.Datasheets.Msm;

/// <summary>What a context bank is for on a SoC.</summary>
/// <param name="Name">The vendor's name.</param>
/// <param name="Bank">The bank.</param>
/// <param name="Machines">The machine IDs that lead to it.</param>
public sealed record MsmContextUse(string Name, int Bank, IReadOnlyList<uint> Machines);
