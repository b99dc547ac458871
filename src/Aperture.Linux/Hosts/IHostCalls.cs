using Aperture.Linux.Native;

namespace Aperture.Linux.Hosts;

/// <summary>What is asked of the kernel by other means than its files; something else for tests.</summary>
internal interface IHostCalls
{
    /// <summary>Opens a block device for this process alone (open(2), <c>O_EXCL</c>), without reading from it.</summary>
    /// <param name="path">The device file.</param>
    /// <param name="claim">Dispose it to let the device go; null when it was not got.</param>
    /// <returns><see cref="Errno.Busy"/>: somebody has it: a mount, swap, a device made of it, another process that wants it
    /// alone.</returns>
    Errno Claim(string path, out IDisposable? claim);

    /// <summary>Which device a path leads to; null when it is no device file, or cannot be seen.</summary>
    (bool IsBlock, string Number)? NodeOf(string path);

    /// <summary>The IPv4 address of a network interface of this network namespace; null for none.</summary>
    string? AddressOf(string networkInterface);

    /// <summary>The network interfaces of another network namespace, each with the PCI address of its device or another name of its
    /// place.</summary>
    /// <param name="path">The namespace's file, for example <c>/proc/1/ns/net</c>. None when it cannot be entered.</param>
    IReadOnlyList<(string Name, string Device)> InterfacesOf(string path);
}
