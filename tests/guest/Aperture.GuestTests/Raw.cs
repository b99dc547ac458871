using System.Globalization;
using System.Text;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.GuestTests;

/// <summary>VFIO's requests in an order that the library never makes, to see what the kernel answers.</summary>
internal static unsafe class Raw
{
    public static SafeFileHandle OpenContainer() => Open("/dev/vfio/vfio");

    public static SafeFileHandle OpenGroup(Guest guest, string address) =>
        Open(string.Create(CultureInfo.InvariantCulture, $"/dev/vfio/{guest.Host.GroupOf(address)}"));

    /// <summary>Puts a group into a container.</summary>
    public static Errno Enter(SafeFileHandle group, SafeFileHandle container)
    {
        var file = (int)container.DangerousGetHandle();
        return ErrorOf(Libc.Ioctl(group, VfioIoctl.GroupSetContainer, &file));
    }

    /// <summary>Takes a group out of its container.</summary>
    public static Errno Leave(SafeFileHandle group) => Call(group, VfioIoctl.GroupUnsetContainer, 0);

    public static Errno SetIommu(SafeFileHandle container, VfioExtension kind) => Call(container, VfioIoctl.SetIommu, (nuint)kind);

    public static Errno OpenDevice(SafeFileHandle group, string address, out SafeFileHandle? device)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(address + '\0'))
        {
            var file = Libc.Ioctl(group, VfioIoctl.GroupGetDevice, name);
            device = file < 0 ? null : new SafeFileHandle(file, ownsHandle: true);
            return ErrorOf(file);
        }
    }

    public static Errno Call(SafeFileHandle file, uint request, nuint argument) => ErrorOf(Libc.Ioctl(file, request, argument));

    private static Errno ErrorOf(int result) => result < 0 ? ErrnoExtensions.Last : Errno.None;

    private static SafeFileHandle Open(string path)
    {
        var file = Libc.Open(path, Libc.OpenReadWrite | Libc.OpenCloseOnExec);
        Check.That(!file.IsInvalid, $"{path} can be opened");
        return file;
    }
}
