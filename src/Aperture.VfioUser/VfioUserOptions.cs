namespace Aperture.VfioUser;

/// <summary>How a server treats its clients.</summary>
public sealed record VfioUserOptions
{
    /// <summary>How long a client may take to answer a message of the server's own, or to take what is sent to it. Default: 5
    /// seconds.</summary>
    public TimeSpan MessageTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many pieces of memory one client may map; 1 to 8192, the default. Each is a mapping of this process, of which a process
    /// has some 65,000.</summary>
    public int MaxMaps { get; init; } = 8192;

    /// <summary>Whether memory is taken whose file may shrink or is on huge pages: a client that truncates it ends this process (SIGBUS).
    /// Default: no; only sealed memory files are taken, such as those of QEMU's <c>memory-backend-memfd</c>.</summary>
    public bool TrustsMemoryFiles { get; init; }

    /// <summary>Hears of what clients do; null for nobody.</summary>
    public IVfioUserObserver? Observer { get; init; }
}
