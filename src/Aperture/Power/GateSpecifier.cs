namespace Aperture.Power;

/// <summary>A reference from a device's description to a clock, reset line or power domain.</summary>
/// <param name="Kind">What the gate switches.</param>
/// <param name="Name">What the device calls it; null for a gate without a name.</param>
/// <param name="Provider">The <see cref="Devices.Device.Key"/> of the device that provides it, or any other key under which a provider was
/// registered.</param>
/// <param name="ProviderName">The provider's name, for messages.</param>
/// <param name="Cells">The cells behind the reference.</param>
public readonly record struct GateSpecifier(GateKind Kind, string? Name, object Provider, string ProviderName, uint[] Cells);
