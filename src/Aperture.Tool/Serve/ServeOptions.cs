namespace Aperture.Tool.Serve;

/// <summary>What is served.</summary>
/// <param name="Tree">The guest's device tree.</param>
/// <param name="Folder">The folder of the sockets.</param>
internal sealed record ServeOptions(string Tree, string Folder)
{
    /// <summary>MiB of each disk.</summary>
    public int DiskMiB { get; init; } = 16;

    /// <summary>MiB of the guest's memory.</summary>
    public int MemoryMiB { get; init; } = 512;

    /// <summary>The file of the trace; null for none.</summary>
    public string? Trace { get; init; }

    /// <summary>Whether failed accesses are told with what was there before.</summary>
    public bool Sanitizes { get; init; }
}
