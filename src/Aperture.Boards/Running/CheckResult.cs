using Aperture.Core;

namespace Aperture.Boards.Running;

/// <summary>How one check of a self-test ended.</summary>
public enum CheckOutcome
{
    /// <summary>What had to work worked.</summary>
    Ok,

    /// <summary>What had to be kept from memory was kept from it, and reported.</summary>
    Blocked,

    /// <summary>It went wrong.</summary>
    Failed,

    /// <summary>It was not tried.</summary>
    Skipped,
}

/// <summary>The result of one check.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why, where it failed or was not tried; empty otherwise.</param>
/// <param name="Status">What kept the check from being carried out to its end; <see cref="Status.Ok"/> when nothing did.</param>
public readonly record struct CheckResult(CheckOutcome Outcome, string Reason = "", Status Status = Status.Ok)
{
    /// <summary>Whether it was as it must be, or was not tried.</summary>
    public bool IsFine => Outcome != CheckOutcome.Failed;
}
