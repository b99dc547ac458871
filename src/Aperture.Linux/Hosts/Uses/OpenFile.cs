namespace Aperture.Linux.Hosts.Uses;

/// <summary>A file that a process has open or mapped.</summary>
/// <param name="Process">The process's number.</param>
/// <param name="Target">The file's path in the process's mount namespace.</param>
/// <param name="Entry">The link in <c>/proc</c>, below the root; null for a mapping.</param>
internal sealed record OpenFile(string Process, string Target, string? Entry);
