using System.Globalization;
using System.Text;
using Aperture.Core;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Hosts;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Vfio;

/// <summary>A VFIO group in a container of its own, with a type1 IOMMU of the second version; or in no-IOMMU mode, where every map is
/// refused.</summary>
/// <remarks>A group cannot leave a container while one of its devices is open. With a container for each group a device can stay open while
/// its group goes from one domain to another; a domain for several groups is mapped in the container of each.</remarks>
internal sealed unsafe partial class VfioGroup : HostSpace
{
    private const string ContainerPath = "/dev/vfio/vfio";

    private readonly SafeFileHandle _container;
    private readonly SafeFileHandle _group;
    private readonly bool _isNoIommu;
    private bool _isSet; // the group is in the container

    private VfioGroup(string name, bool isNoIommu, SafeFileHandle container, SafeFileHandle group)
    {
        Name = name;
        _isNoIommu = isNoIommu;
        _container = container;
        _group = group;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The container.</summary>
    public SafeFileHandle Container => _container;

    /// <summary>Opens a group and gives it a container with an IOMMU.</summary>
    /// <param name="number">The group's number.</param>
    /// <param name="isNoIommu">Whether the kernel made it up in no-IOMMU mode.</param>
    /// <exception cref="ApertureException">The kernel refuses: the message says what to do about it.</exception>
    public static VfioGroup Open(int number, bool isNoIommu = false)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"IOMMU group {number}");
        var container = OpenFile(ContainerPath, name);
        SafeFileHandle? file = null;
        VfioGroup? group = null;
        try
        {
            CheckContainer(container, isNoIommu);
            file = OpenFile($"/{NoIommuMode.GroupFile(number, isNoIommu)}", name);
            group = new VfioGroup(name, isNoIommu, container, file);
            group.Enter();
            return group;
        }
        catch
        {
            group?.Dispose();
            file?.Dispose();
            container.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override VfioDevice OpenDevice(string address)
    {
        int file;
        fixed (byte* name = Encoding.UTF8.GetBytes(address + '\0'))
            file = Libc.Ioctl(_group, VfioIoctl.GroupGetDevice, name);
        if (file < 0)
            throw VfioErrors.OpenDevice(address, Name, ErrnoExtensions.Last);
        return new VfioDevice(address, new SafeFileHandle(file, ownsHandle: true));
    }

    /// <summary>Gives the group and its container back. Mappings go with them. Devices that are still open hold the group until they are
    /// closed.</summary>
    protected override void Dispose(bool disposing)
    {
        if (_isSet && !_group.IsClosed)
            Libc.Ioctl(_group, VfioIoctl.GroupUnsetContainer, (nuint)0);
        _isSet = false;
        _group.Dispose();
        _container.Dispose();
    }

    private static SafeFileHandle OpenFile(string path, string group)
    {
        var file = Libc.Open(path, Libc.OpenReadWrite | Libc.OpenCloseOnExec);
        if (!file.IsInvalid)
            return file;
        var error = ErrnoExtensions.Last;
        file.Dispose();
        throw VfioErrors.Open(path, group, error);
    }

    private static void CheckContainer(SafeFileHandle container, bool isNoIommu)
    {
        var version = Libc.Ioctl(container, VfioIoctl.GetApiVersion, (nuint)0);
        if (version < 0)
        {
            throw new ApertureException(
                Status.NotSupported,
                $"{ContainerPath} is not VFIO's file ({ErrnoExtensions.Last.Describe()}): remove it and let the kernel make it " +
                "(modprobe vfio-pci)");
        }

        if (version != 0)
            throw new ApertureException(Status.NotSupported, $"{ContainerPath} speaks version {version}; version 0 is known here");
        if (isNoIommu)
        {
            if (!Has(container, VfioExtension.NoIommu))
            {
                throw new ApertureException(
                    Status.NotPermitted,
                    $"the kernel's no-IOMMU mode is off (echo 1 > /{NoIommuMode.Parameter}), or CAP_SYS_RAWIO is missing (run as root)");
            }

            return;
        }

        if (!Has(container, VfioExtension.Type1V2) || !Has(container, VfioExtension.UnmapAll))
        {
            throw new ApertureException(
                Status.NotSupported,
                "the kernel has no type1 IOMMU of the second version for VFIO: load the module vfio_iommu_type1 " +
                "(modprobe vfio_iommu_type1)");
        }
    }

    private static bool Has(SafeFileHandle container, VfioExtension extension) =>
        Libc.Ioctl(container, VfioIoctl.CheckExtension, (nuint)extension) == 1;

    private void Enter()
    {
        var status = new VfioGroupStatus { ArgumentSize = (uint)sizeof(VfioGroupStatus) };
        if (Libc.Ioctl(_group, VfioIoctl.GroupGetStatus, &status) < 0)
            throw VfioErrors.Enter(Name, ErrnoExtensions.Last);
        if ((status.Flags & VfioGroupFlags.Viable) == 0)
        {
            throw new ApertureException(
                Status.NotPermitted,
                $"{Name} is not viable: a kernel driver holds another of its devices; 'aperture host list' names it, " +
                "and it must be unbound or bound to vfio-pci, too");
        }


        var container = (int)_container.DangerousGetHandle();
        if (Libc.Ioctl(_group, VfioIoctl.GroupSetContainer, &container) < 0)
            throw VfioErrors.Enter(Name, ErrnoExtensions.Last);
        _isSet = true;
        if (Libc.Ioctl(_container, VfioIoctl.SetIommu, (nuint)(_isNoIommu ? VfioExtension.NoIommu : VfioExtension.Type1V2)) < 0)
            throw VfioErrors.SetIommu(Name, _isNoIommu, ErrnoExtensions.Last);
        ReadInfo();
    }
}
