namespace Aperture.Linux.Hosts;

/// <summary>Something that is in the way of using a device, and what to do about it.</summary>
/// <param name="Code">What.</param>
/// <param name="Message">One line that names the thing and the value.</param>
/// <param name="Remedy">What to do.</param>
/// <param name="IsFatal">Whether nothing works before it is gone; else it may turn out harmless.</param>
public sealed record HostProblem(HostProblemCode Code, string Message, string Remedy, bool IsFatal = true)
{
    /// <summary>Both in one line.</summary>
    public override string ToString() => $"{Message}: {Remedy}";
}
