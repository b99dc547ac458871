namespace Aperture.Boards.Checking;

/// <summary>One thing that the checker has to say about a device tree.</summary>
/// <param name="Code">What kind of thing; one of <see cref="FindingCode"/>.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Node">The path of the node.</param>
/// <param name="Message">One line: what is wrong and how to fix it.</param>
public sealed record Finding(string Code, FindingSeverity Severity, string Node, string Message);
