namespace Aperture.Contract;

/// <summary>What a check brought.</summary>
/// <param name="Check">The name of the check.</param>
/// <param name="Outcome">How it came out.</param>
/// <param name="Detail">Why; empty when the contract holds.</param>
public sealed record ContractResult(string Check, ContractOutcome Outcome, string Detail)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsOk => Outcome != ContractOutcome.Fails;

    /// <summary>One line.</summary>
    public override string ToString() => $"{Check}: {Outcome}{(Detail.Length == 0 ? "" : ": " + Detail)}";
}
