namespace Aperture.Linux.Hosts.Uses;

/// <summary>Whether a shared folder of a virtual machine is mounted: 9p and virtiofs name it by a tag, and the mount has no
/// device.</summary>
internal sealed class ShareUses(HostFiles files, MountTable mounts)
{
    /// <summary>The uses of a function's shares, in words.</summary>
    public IEnumerable<string> Of(string path)
    {
        foreach (var device in files.List(path).Where(name => name.StartsWith("virtio", StringComparison.Ordinal)))
        {
            if (files.Read($"{path}/{device}/mount_tag")?.Trim('\0', '\n') is { } tag)
            {
                foreach (var mount in mounts.Mounts.Where(mount => mount.Type == "9p" && mount.Source == tag))
                    yield return $"share {tag} is {mounts.Describe(mount)}";
            }

            if (files.ReadLink($"{path}/{device}/driver") != "virtiofs")
                continue;
            // Linux says since 6.9 which tag is whose; before, any mount may be this one's.
            var known = files.Match("sys/fs/virtiofs/*/device").FirstOrDefault(link => files.ReadLink(link) == device);
            var name = known is null ? null : files.Read($"{Path.GetDirectoryName(known)}/tag");
            foreach (var mount in mounts.Mounts.Where(mount => mount.Type == "virtiofs" && (name is null || mount.Source == name)))
                yield return $"share {mount.Source} is {mounts.Describe(mount)}";
        }
    }
}
