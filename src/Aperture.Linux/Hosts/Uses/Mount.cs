namespace Aperture.Linux.Hosts.Uses;

/// <summary>A mounted file system.</summary>
/// <param name="Number">Major and minor number of its device; one without a disk behind it, for btrfs and network file systems.</param>
/// <param name="Root">Which part of the file system; for a namespace which one, for example <c>net:[4026532000]</c>.</param>
/// <param name="Point">Where it is mounted.</param>
/// <param name="Type">Kind of file system.</param>
/// <param name="Source">What is mounted: a device file, a tag.</param>
/// <param name="Process">A process that sees it there, where that is not this process's mount namespace; else null.</param>
internal sealed record Mount(string Number, string Root, string Point, string Type, string Source, string? Process);
