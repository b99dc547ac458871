namespace Aperture.Hardware.Translation;

/// <summary>Which translation regime an entry of a translation cache belongs to. Units with one only have
/// <see cref="NonSecure"/>.</summary>
public enum TlbWorld : byte
{
    /// <summary>The non-secure regime below a hypervisor, or the only one.</summary>
    NonSecure,

    /// <summary>The secure regime.</summary>
    Secure,

    /// <summary>The hypervisor's own regime.</summary>
    Hypervisor,

    /// <summary>The monitor's regime (EL3).</summary>
    Monitor,

    /// <summary>The realm regime.</summary>
    Realm,
}
