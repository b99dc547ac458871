using System.Diagnostics;
using Aperture.Core;
using Aperture.Linux.Hosts;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.GuestTests;

/// <summary>Every error number of opening a group and giving it an IOMMU that a user can provoke, and what the message says.</summary>
internal static class GroupErrorTests
{
    public const string UnsafeInterrupts = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
    private const string Module = "/modules/vfio_iommu_type1.ko";

    public static void EPERM_without_isolated_interrupts(Guest guest)
    {
        if (guest.RemapsInterrupts)
            return;
        File.WriteAllText(UnsafeInterrupts, "N");
        using (var machine = Guest.Machine())
            Check.Refused(Status.NotPermitted, () => guest.Open(machine), "allow_unsafe_interrupts");
        Check.That(guest.Host.Explain(guest.Edus[0]).Any(problem => problem.Code == HostProblemCode.UnsafeInterrupts));
        File.WriteAllText(UnsafeInterrupts, "Y");
    }

    public static void EACCES_without_permission(Guest guest)
    {
        var group = guest.Host.GroupOf(guest.Edus[0]);
        OtherThread.Run(() =>
        {
            OtherThread.BecomeUser(1000);
            Check.Refused(Status.NotPermitted, () => VfioGroup.Open(group), "permission is missing", $"chown $USER /dev/vfio/{group}");
        });
        OtherThread.Run(() =>
        {
            OtherThread.BecomeUser(1000);
            Check.Refused(Status.NotPermitted, () => guest.Host.Bind(guest.Nvme), "run as root");
        });
    }

    public static void EBUSY_for_a_group_that_is_open(Guest guest)
    {
        using var machine = Guest.Machine();
        guest.Open(machine);
        using var other = Guest.Machine();
        Check.Refused(Status.Busy, () => guest.Open(other), "another process has it open");
    }

    public static void ENOENT_for_a_group_that_nobody_gave_to_vfio(Guest guest) =>
        Check.Refused(Status.NotFound, () => VfioGroup.Open(4711), "aperture host bind");

    public static void ENODEV_for_a_device_of_another_group(Guest guest)
    {
        using var group = VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0]));
        Check.Refused(Status.NoDevice, () => group.OpenDevice(guest.Edus[1]), "not in the group");
    }

    public static void ENOENT_without_VFIO(Guest guest) => With(null, () =>
        Check.Refused(Status.NotFound, () => VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0])), "there is no VFIO", "modprobe vfio-pci"));

    public static void ENOTTY_for_a_file_that_is_not_VFIOs(Guest guest) => With("/dev/null", () =>
        Check.Refused(Status.NotSupported, () => VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0])), "/dev/vfio/vfio is not VFIO's"));

    public static void Without_the_module_for_type1_its_name_is_told(Guest guest)
    {
        if (!File.Exists(Module))
            return; // it is built in
        Run("rmmod", "vfio_iommu_type1");
        Check.Refused(Status.NotSupported, () => VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0])), "modprobe vfio_iommu_type1");
        Check.That(guest.Host.Explain(guest.Edus[0])
            .Any(problem => problem is { Code: HostProblemCode.ModuleMissing, Remedy: "modprobe vfio_iommu_type1" }));
        Run("insmod", Module);
        if (!guest.RemapsInterrupts)
            File.WriteAllText(UnsafeInterrupts, "Y");
        VfioGroup.Open(guest.Host.GroupOf(guest.Edus[0])).Dispose();
    }

    public static void EPERM_for_a_group_that_is_not_viable(Guest guest)
    {
        guest.Host.Recover();
        guest.Host.Bind(guest.Neighbour);
        using (var group = Raw.OpenGroup(guest, guest.Neighbour))
        using (var container = Raw.OpenContainer())
        {
            var error = Raw.Enter(group, container);
            Check.Equal(Errno.NotPermitted, error);
            Check.Refused(Status.NotPermitted, () => throw VfioErrors.Enter("group", error), "unbind its other devices");
        }

        guest.BindEdus();
    }

    public static void ENODEV_for_a_group_that_has_gone(Guest guest)
    {
        using (var group = Raw.OpenGroup(guest, guest.Edus[0]))
        using (var container = Raw.OpenContainer())
        {
            // behind the back of LinuxHost, which sees that it is open
            File.WriteAllText($"/sys/bus/pci/devices/{guest.Edus[0]}/driver/unbind", guest.Edus[0]);
            var error = Raw.Enter(group, container);
            Check.Equal(Errno.NoDevice, error);
            Check.Refused(Status.NoDevice, () => throw VfioErrors.Enter("group", error), "has gone", "aperture host bind");
        }

        guest.Host.Recover();
        guest.BindEdus();
    }

    public static void EINVAL_EBUSY_and_ENODEV_for_steps_out_of_order(Guest guest)
    {
        using var group = Raw.OpenGroup(guest, guest.Edus[0]);
        using var container = Raw.OpenContainer();
        using var other = Raw.OpenContainer();
        Check.Equal(Errno.Invalid, Raw.SetIommu(container, VfioExtension.Type1V2)); // no group
        Check.Equal(Errno.Invalid, Raw.Leave(group));                               // no container
        Check.Equal(Errno.Invalid, Raw.OpenDevice(group, guest.Edus[0], out _));    // no IOMMU
        Check.Equal(Errno.None, Raw.Enter(group, container));
        var twice = Raw.Enter(group, other);
        Check.Equal(Errno.Invalid, twice);
        Check.Refused(Status.InvalidArgument, () => throw VfioErrors.Enter("group", twice), "in a container already");
        var backend = Raw.SetIommu(container, (VfioExtension)2); // that of POWER machines
        Check.Equal(Errno.NoDevice, backend);
        Check.Refused(Status.NoDevice, () => throw VfioErrors.SetIommu("group", false, backend), "load the module");
        Check.Equal(Errno.None, Raw.SetIommu(container, VfioExtension.Type1V2));
        var again = Raw.SetIommu(container, VfioExtension.Type1V2);
        Check.Equal(Errno.Invalid, again);
        Check.Refused(Status.InvalidArgument, () => throw VfioErrors.SetIommu("group", false, again), "has one already");
        Check.Equal(Errno.None, Raw.OpenDevice(group, guest.Edus[0], out var device));
        Check.Equal(Errno.Busy, Raw.Leave(group)); // the device is open
        device!.Dispose();
        Check.Equal(Errno.None, Raw.Leave(group));
    }

    public static void EBADF_EBADFD_and_ENOTTY_for_what_is_no_container(Guest guest)
    {
        using var group = Raw.OpenGroup(guest, guest.Edus[0]);
        using var none = new SafeFileHandle(-1, ownsHandle: false);
        using var other = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        Check.Equal(Errno.BadFile, Raw.Enter(group, none));
        Check.That(Raw.Enter(group, other) is Errno.BadFileState or Errno.Invalid); // the latter by Linux 6.1
        foreach (var error in new[] { Errno.BadFile, Errno.BadFileState })
            Check.Refused(Status.InvalidArgument, () => throw VfioErrors.Enter("group", error), "not VFIO's");

        Check.Equal(Errno.NotTypewriter, Raw.Call(group, 0x3BFF, 0));
    }

    /// <summary>With something else, or nothing, in the place of the containers' file.</summary>
    private static void With(string? stand, Action action)
    {
        const string Path = "/dev/vfio/vfio";
        const string Away = "/dev/vfio/vfio.away";
        File.Move(Path, Away);
        try
        {
            if (stand is not null)
                File.CreateSymbolicLink(Path, stand);
            action();
        }
        finally
        {
            File.Move(Away, Path, overwrite: true);
        }
    }

    private static void Run(string program, string argument)
    {
        using var process = Process.Start(program, argument);
        process.WaitForExit();
        Check.Equal(0, process.ExitCode, $"exit code of {program} {argument}");
    }
}
