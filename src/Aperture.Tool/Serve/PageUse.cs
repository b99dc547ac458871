namespace Aperture.Tool.Serve;

/// <summary>An access that went through.</summary>
/// <param name="Number">Which access of the device it was.</param>
/// <param name="PhysicalPage">The page that it led to.</param>
/// <param name="IsWrite">Whether it wrote.</param>
internal sealed record PageUse(ulong Number, ulong PhysicalPage, bool IsWrite);
