using Aperture.Core;

namespace Aperture.Contract;

/// <summary>One part of the contract.</summary>
/// <param name="name">A short name, as in <see cref="IContractSubject.Differences"/>.</param>
/// <param name="rule">What must hold, in one line.</param>
/// <param name="body">What finds out.</param>
public sealed class ContractCheck(string name, string rule, Action<ContractScene> body)
{
    /// <summary>A short name.</summary>
    public string Name { get; } = name;

    /// <summary>What must hold, in one line.</summary>
    public string Rule { get; } = rule;

    /// <summary>Holds a subject to this part of the contract, and cleans up behind.</summary>
    public ContractResult Run(IContractSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        var trouble = Try(subject);
        if (trouble is { IsApplicable: false })
            return new ContractResult(Name, ContractOutcome.NotApplicable, trouble.Message);
        if (!subject.Differences.TryGetValue(Name, out var reason))
            return new ContractResult(Name, trouble is null ? ContractOutcome.Holds : ContractOutcome.Fails, trouble?.Message ?? "");
        return trouble is null
            ? new ContractResult(Name, ContractOutcome.Fails, $"{subject.Name} keeps it, though it is said to differ: {reason}")
            : new ContractResult(Name, ContractOutcome.Differs, reason);
    }

    private ContractException? Try(IContractSubject subject)
    {
        try
        {
            using var scene = new ContractScene(subject);
            body(scene);
            return null;
        }
        catch (ContractException e)
        {
            return e;
        }
        catch (ApertureException e)
        {
            return new ContractException($"{Rule}, but: {e.Message}");
        }
    }
}
