using System.Globalization;

namespace Aperture.Linux.Hosts;

/// <summary>VFIO's no-IOMMU mode: devices without an IOMMU in the hands of processes. The kernel makes up a group for such a device,
/// whose file is called <c>noiommu-N</c>.</summary>
internal static class NoIommuMode
{
    /// <summary>Whether the mode is on; not there in a kernel that was built without it.</summary>
    public const string Parameter = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

    /// <summary>What whoever uses a device in this mode must know.</summary>
    public static string RiskOf(string address) =>
        $"no IOMMU is in front of {address}: nothing keeps it from reading and overwriting all memory of this machine, the kernel's, too";

    /// <summary>The file of a group, without the leading slash.</summary>
    public static string GroupFile(int group, bool isNoIommu) =>
        string.Create(CultureInfo.InvariantCulture, $"dev/vfio/{(isNoIommu ? "noiommu-" : "")}{group}");
}
