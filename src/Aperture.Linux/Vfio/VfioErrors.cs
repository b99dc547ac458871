using Aperture.Core;
using Aperture.Linux.Native;

namespace Aperture.Linux.Vfio;

/// <summary>What the kernel's refusals mean and what to do about them.</summary>
internal static class VfioErrors
{
    /// <summary>A device file could not be opened.</summary>
    public static ApertureException Open(string path, string group, Errno error)
    {
        var meaning = error switch
        {
            Errno.NoEntry or Errno.NoDevice when path == "/dev/vfio/vfio" => "there is no VFIO; load its modules (modprobe vfio-pci)",
            Errno.NoEntry => "no device of the group is bound to vfio-pci (aperture host bind)",
            Errno.AccessDenied => $"permission is missing; make the group's file yours (chown $USER {path})",
            Errno.NotPermitted => "without an IOMMU this needs CAP_SYS_RAWIO",
            Errno.Busy => "another process has it open; a group has one user at a time",
            _ => error.Describe(),
        };
        return Make($"{path} could not be opened for {group}", error, meaning);
    }

    /// <summary>A group could not be put into a container.</summary>
    public static ApertureException Enter(string group, Errno error)
    {
        var meaning = error switch
        {
            Errno.NotPermitted => "a kernel driver does DMA through the group; unbind its other devices",
            Errno.Busy => "somebody else uses the group",
            Errno.NoDevice => "the group has gone: its devices were taken from vfio-pci (aperture host bind)",
            Errno.BadFile or Errno.BadFileState or Errno.NotTypewriter =>
                "the container's or the group's file in /dev/vfio is not VFIO's; let the kernel make it (modprobe vfio-pci)",
            Errno.Invalid =>
                "it is in a container already, or its devices need fixed mappings of the firmware's (reserved regions of type direct)",
            _ => error.Describe(),
        };
        return Make($"{group} could not be put into a container", error, meaning);
    }

    /// <summary>A container could not be given its IOMMU.</summary>
    public static ApertureException SetIommu(string group, bool isNoIommu, Errno error)
    {
        var meaning = error switch
        {
            Errno.NotPermitted when isNoIommu => "this needs CAP_SYS_RAWIO; run as root",
            Errno.NotPermitted => "the platform does not isolate message-signalled interrupts: a device could forge those of others " +
                "(dmesg | grep -e DMAR -e AMD-Vi says why interrupts are not remapped). If you trust the device, " +
                "set allow_unsafe_interrupts (echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts)",
            Errno.Invalid => "the container has one already, or the group is not in it",
            Errno.NoDevice => "the kernel has no driver for it; load the module vfio_iommu_type1",
            _ => error.Describe(),
        };
        return Make(
            $"{group} could not be given {(isNoIommu ? "to a container without an IOMMU" : "a type1 IOMMU")}", error, meaning);
    }

    /// <summary>A device of a group could not be opened.</summary>
    public static ApertureException OpenDevice(string device, string group, Errno error)
    {
        var meaning = error switch
        {
            Errno.NoDevice => "it is not in the group, or not bound to vfio-pci (aperture host bind)",
            Errno.Invalid or Errno.AccessDenied => "the kernel refuses; a virtual function needs the token of its physical function",
            Errno.Busy => "it is open already",
            _ => error.Describe(),
        };
        return Make($"{device} could not be opened in {group}", error, meaning);
    }

    private static ApertureException Make(string what, Errno error, string meaning) => new(error.ToStatus(), $"{what}: {meaning}");
}
