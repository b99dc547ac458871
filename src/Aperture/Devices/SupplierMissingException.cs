using Aperture.Core;

namespace Aperture.Devices;

/// <summary>A deferral that names its supplier.</summary>
internal sealed class SupplierMissingException(Device device, object key, string supplier, string what)
    : ApertureException(Status.ProbeDefer, $"{device.Name} waits for {supplier}{what}")
{
    /// <summary>The supplier's key.</summary>
    public object Key { get; } = key;

    /// <summary>The supplier's name.</summary>
    public string Supplier { get; } = supplier;
}
