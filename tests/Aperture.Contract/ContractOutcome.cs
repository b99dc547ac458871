namespace Aperture.Contract;

/// <summary>How a check came out.</summary>
public enum ContractOutcome
{
    /// <summary>The subject keeps this part of the contract.</summary>
    Holds,

    /// <summary>It does not, as its <see cref="IContractSubject.Differences"/> say.</summary>
    Differs,

    /// <summary>The unit cannot do what the check is about, or there are too few masters.</summary>
    NotApplicable,

    /// <summary>It does not keep it; or it does, though its differences say otherwise.</summary>
    Fails,
}
