namespace Aperture.Hardware.Pci;

/// <summary>What a bus is.</summary>
public enum PciBusKind
{
    /// <summary>In the root complex: its devices reach each other by way of the translation only.</summary>
    Root,

    /// <summary>A link of PCI Express: one device, number 0.</summary>
    Link,

    /// <summary>Inside a switch: its downstream ports.</summary>
    Switch,

    /// <summary>Conventional PCI: who is on it sees every access.</summary>
    Conventional,
}
