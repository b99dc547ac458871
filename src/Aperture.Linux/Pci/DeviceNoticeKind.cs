namespace Aperture.Linux.Pci;

/// <summary>What the kernel says about an open device.</summary>
public enum DeviceNoticeKind
{
    /// <summary>It wants the device back: somebody unplugs it, or takes it from vfio-pci.</summary>
    RemovalRequested,

    /// <summary>The bus reported an error of the device's that it cannot recover from (PCI Express advanced error reporting): nobody
    /// knows the state of the device.</summary>
    Error,
}
