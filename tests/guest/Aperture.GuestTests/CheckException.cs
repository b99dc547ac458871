namespace Aperture.GuestTests;

/// <summary>Something did not hold.</summary>
internal sealed class CheckException(string message) : Exception(message);
