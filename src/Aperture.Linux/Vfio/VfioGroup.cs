using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Aperture.Core;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Vfio;

/// <summary>A VFIO group in a container of its own, with a type1 IOMMU of the second version.</summary>
/// <remarks>A group cannot leave a container while one of its devices is open. With a container for each group a device can stay open while
/// its group goes from one domain to another; a domain for several groups is mapped in the container of each.</remarks>
internal sealed unsafe class VfioGroup : IHostSpace
{
    private const string ContainerPath = "/dev/vfio/vfio";

    /// <summary>The last page of all is left out: while it is mapped, type1 misses other mappings at an unmap (seen on Linux 6.1 with AMD's IOMMU).</summary>
    private static readonly Iova Highest = new(ulong.MaxValue - 4096);

    private readonly SafeFileHandle _container;
    private readonly SafeFileHandle _group;
    private bool _isSet; // the group is in the container

    private VfioGroup(string name, SafeFileHandle container, SafeFileHandle group)
    {
        Name = name;
        _container = container;
        _group = group;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ulong PageSizes { get; private set; }

    /// <inheritdoc/>
    public ImmutableArray<IovaRange> Ranges { get; private set; } = [];

    /// <inheritdoc/>
    public uint? AvailableMappings
    {
        get
        {
            var capability = CapabilityChain.Find(Info(out var info), info.CapabilityOffset, 3);
            return capability.IsEmpty ? null : MemoryMarshal.Read<VfioAvailableCapability>(capability).Available;
        }
    }

    /// <summary>The container.</summary>
    public SafeFileHandle Container => _container;

    /// <summary>Opens a group and gives it a container with an IOMMU.</summary>
    /// <param name="number">The group's number.</param>
    /// <exception cref="ApertureException">The kernel refuses: the message says what to do about it.</exception>
    public static VfioGroup Open(int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"IOMMU group {number}");
        if (File.Exists(string.Create(CultureInfo.InvariantCulture, $"/dev/vfio/noiommu-{number}")))
            throw new ApertureException(Status.NotSupported, $"{name} is in no-IOMMU mode: nothing would keep its devices from any memory of the machine; that mode is not used here");
        var container = OpenFile(ContainerPath, name);
        SafeFileHandle? file = null;
        VfioGroup? group = null;
        try
        {
            CheckContainer(container);
            file = OpenFile(string.Create(CultureInfo.InvariantCulture, $"/dev/vfio/{number}"), name);
            group = new VfioGroup(name, container, file);
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
    public Status Map(Iova iova, ulong address, ulong size, Protection protection)
    {
        var map = new VfioDmaMap
        {
            ArgumentSize = (uint)sizeof(VfioDmaMap),
            Flags = ((protection & Protection.Read) != 0 ? VfioMapFlags.Read : 0) | ((protection & Protection.Write) != 0 ? VfioMapFlags.Write : 0),
            Address = address,
            Iova = iova.Value,
            Size = size,
        };
        return Libc.Ioctl(_container, VfioIoctl.IommuMap, &map) == 0 ? Status.Ok : ErrnoExtensions.Last.ToStatus();
    }

    /// <inheritdoc/>
    public Status Unmap(Iova iova, ulong size) => Unmap(iova, size, VfioUnmapFlags.None);

    /// <inheritdoc/>
    public Status UnmapAll() => Unmap(default, 0, VfioUnmapFlags.All);

    /// <inheritdoc/>
    public VfioDevice OpenDevice(string address)
    {
        int file;
        fixed (byte* name = Encoding.UTF8.GetBytes(address + '\0'))
            file = Libc.Ioctl(_group, VfioIoctl.GroupGetDevice, name);
        if (file < 0)
            throw VfioErrors.OpenDevice(address, Name, ErrnoExtensions.Last);
        return new VfioDevice(address, new SafeFileHandle(file, ownsHandle: true));
    }

    /// <summary>Gives the group and its container back. Mappings go with them. Devices that are still open hold the group until they are closed.</summary>
    public void Dispose()
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

    private static void CheckContainer(SafeFileHandle container)
    {
        var version = Libc.Ioctl(container, VfioIoctl.GetApiVersion, (nuint)0);
        if (version != 0)
            throw new ApertureException(Status.NotSupported, $"{ContainerPath} speaks version {version} of its interface; version 0 is known here");
        if (Libc.Ioctl(container, VfioIoctl.CheckExtension, (nuint)VfioExtension.Type1V2) != 1 || Libc.Ioctl(container, VfioIoctl.CheckExtension, (nuint)VfioExtension.UnmapAll) != 1)
            throw new ApertureException(Status.NotSupported, "the kernel has no type1 IOMMU of the second version for VFIO: load the module vfio_iommu_type1 (modprobe vfio_iommu_type1)");
    }

    private void Enter()
    {
        var status = new VfioGroupStatus { ArgumentSize = (uint)sizeof(VfioGroupStatus) };
        if (Libc.Ioctl(_group, VfioIoctl.GroupGetStatus, &status) < 0)
            throw VfioErrors.Enter(Name, ErrnoExtensions.Last);
        if ((status.Flags & VfioGroupFlags.Viable) == 0)
            throw new ApertureException(Status.NotPermitted, $"{Name} is not viable: a kernel driver holds another of its devices; 'aperture host list' names it, and it must be unbound or bound to vfio-pci, too");
        var container = (int)_container.DangerousGetHandle();
        if (Libc.Ioctl(_group, VfioIoctl.GroupSetContainer, &container) < 0)
            throw VfioErrors.Enter(Name, ErrnoExtensions.Last);
        _isSet = true;
        if (Libc.Ioctl(_container, VfioIoctl.SetIommu, (nuint)VfioExtension.Type1V2) < 0)
            throw VfioErrors.SetIommu(Name, ErrnoExtensions.Last);
        ReadInfo();
    }

    private void ReadInfo()
    {
        var answer = Info(out var info);
        PageSizes = (info.Flags & VfioIommuFlags.PageSizes) != 0 ? info.PageSizes : (ulong)Environment.SystemPageSize;
        var capability = CapabilityChain.Find(answer, info.CapabilityOffset, 1);
        if (capability.IsEmpty)
        {
            // Kernels before 5.4 do not say: then nothing is known to be reserved.
            Ranges = [new IovaRange(default, Highest)];
            return;
        }

        var ranges = CapabilityChain.Entries<VfioIovaRange>(capability, sizeof(VfioRangesCapability), MemoryMarshal.Read<VfioRangesCapability>(capability).Count);
        Ranges = [.. ranges.ToArray().Where(range => range.Start <= Highest.Value).Select(range => new IovaRange(new Iova(range.Start), new Iova(Math.Min(range.End, Highest.Value))))];
    }

    private byte[] Info(out VfioIommuInfo info)
    {
        var answer = CapabilityChain.Fetch(_container, VfioIoctl.IommuGetInfo, default(VfioIommuInfo), $"the IOMMU of {Name}");
        info = Unsafe.ReadUnaligned<VfioIommuInfo>(ref answer[0]);
        return answer;
    }

    private Status Unmap(Iova iova, ulong size, VfioUnmapFlags flags)
    {
        var unmap = new VfioDmaUnmap { ArgumentSize = (uint)sizeof(VfioDmaUnmap), Flags = flags, Iova = iova.Value, Size = size };
        if (Libc.Ioctl(_container, VfioIoctl.IommuUnmap, &unmap) < 0)
            return ErrnoExtensions.Last.ToStatus();
        return flags == VfioUnmapFlags.All || unmap.Size == size ? Status.Ok : Status.NotFound;
    }
}
