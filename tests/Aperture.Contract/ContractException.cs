namespace Aperture.Contract;

/// <summary>What a check found wrong, or why it has nothing to look at.</summary>
/// <param name="message">One line.</param>
/// <param name="isApplicable">False when the check does not concern this subject.</param>
public sealed class ContractException(string message, bool isApplicable = true) : Exception(message)
{
    /// <summary>Whether the check concerns this subject at all.</summary>
    public bool IsApplicable { get; } = isApplicable;
}
