namespace Aperture.Linux.Hosts.Uses;

/// <summary>A device file that the kernel made for a PCI function, or for something behind it.</summary>
/// <param name="Name">Its name below <c>/dev</c>, for example <c>nvme0n1p1</c> or <c>dri/card0</c>.</param>
/// <param name="Number">Major and minor number, for example <c>259:1</c>.</param>
/// <param name="IsBlock">Whether it is a block device.</param>
/// <param name="Path">Its directory in sysfs, below the root.</param>
internal sealed record DeviceNode(string Name, string Number, bool IsBlock, string Path)
{
    /// <summary>The file.</summary>
    public string File => $"/dev/{Name}";
}
