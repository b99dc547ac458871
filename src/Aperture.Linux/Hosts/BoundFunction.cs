namespace Aperture.Linux.Hosts;

/// <summary>A function that was taken from the kernel, and where it was.</summary>
/// <param name="Address">Its PCI address.</param>
/// <param name="Driver">The driver that it had, or null.</param>
/// <param name="Override">What the kernel had been told to bind, or null.</param>
internal sealed record BoundFunction(string Address, string? Driver, string? Override);
