using Aperture.Core;
using Aperture.Linux.Native;

namespace Aperture.Linux.Hosts.Uses;

/// <summary>Disks that this process has claimed: while it has them, nobody can mount them, swap to them or build on them, and the kernel
/// lets nobody claim what somebody else has, in whatever namespace (open(2), <c>O_EXCL</c> on block devices). Dispose it to let them
/// go.</summary>
internal sealed class DiskClaims(HostFiles files) : IDisposable
{
    private readonly List<(string Function, IDisposable Claim)> _claims = [];

    /// <summary>Claims all disks of a function. Partitions go with their disk.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: somebody has one; the message says which, and who if that can be
    /// seen. <see cref="Status.NotPermitted"/>: permission is missing. Other errors: it cannot be found out. Nothing stays
    /// claimed.</exception>
    public void Add(PciFunction function)
    {
        var nodes = new DeviceTree(files).Nodes($"sys/bus/pci/devices/{function.Address}").Where(node => node.IsBlock).ToArray();
        try
        {
            foreach (var disk in nodes.Where(node => !files.Exists($"{node.Path}/partition")))
            {
                var error = files.Calls.Claim(files.PathOf(disk.File), out var claim);
                if (claim is not null)
                    _claims.Add((function.Address, claim));
                else if (error is not (Errno.NoMedium or Errno.NoDeviceOrAddress)) // which nobody can use either
                    throw Refusal(function, disk, nodes.Where(node => Path.GetDirectoryName(node.Path) == disk.Path), error);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _claims.ForEach(entry => entry.Claim.Dispose());
        _claims.Clear();
    }

    /// <summary>Lets the disks of one function go.</summary>
    public void Release(PciFunction function)
    {
        foreach (var (_, claim) in _claims.Where(entry => entry.Function == function.Address))
            claim.Dispose();
        _claims.RemoveAll(entry => entry.Function == function.Address);
    }

    private ApertureException Refusal(PciFunction function, DeviceNode disk, IEnumerable<DeviceNode> partitions, Errno error)
    {
        if (error != Errno.Busy)
        {
            var what = error is Errno.AccessDenied or Errno.NotPermitted ? "permission is missing; run as root" : error.Describe();
            return new ApertureException(
                error.ToStatus(), $"{function.Address} stays where it is: {disk.File} could not be claimed: {what}");
        }

        // Claiming is the only question that tells which partition it is.
        var busy = partitions.Where(partition => IsBusy(partition)).Select(partition => partition.File).ToArray();
        var name = busy.Length == 0 ? disk.File : string.Join(", ", busy);
        var seen = new DeviceUse(files).Find(function) ?? "a mount, swap, RAID, device mapper or a process that cannot be seen from here";
        return new ApertureException(
            Status.Busy, $"{function.Address} is in use: somebody else has {name} for himself alone ({seen}): end that use first");
    }

    private bool IsBusy(DeviceNode partition)
    {
        var error = files.Calls.Claim(files.PathOf(partition.File), out var claim);
        claim?.Dispose();
        return error == Errno.Busy;
    }
}
