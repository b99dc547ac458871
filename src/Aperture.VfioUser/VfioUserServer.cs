using Aperture.Core;

namespace Aperture.VfioUser;

/// <summary>Serves PCI functions at Unix sockets, by the vfio-user protocol 0.x: an emulator takes them as if they were its own.</summary>
/// <remarks>
/// <para>One socket is one function and has one client at a time; the next is served when that has gone, and finds the function as a reset
/// leaves configuration space and interrupts. What state the blocks have is their own.</para>
/// <para>A client may send what it likes: malformed messages get errors or end that client. Migration is refused.</para>
/// </remarks>
public sealed class VfioUserServer : IDisposable
{
    private readonly VfioUserOptions _options;
    private readonly List<FunctionSocket> _sockets = [];
    private bool _isDisposed;

    /// <summary>A server that serves nothing yet.</summary>
    /// <param name="options">How clients are treated; null for the defaults.</param>
    /// <exception cref="ApertureException">An option is out of its range.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux: descriptors of memory are Linux's.</exception>
    public VfioUserServer(VfioUserOptions? options = null)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("vfio-user needs Linux, whose descriptors of memory and events it passes");
        _options = options ?? new VfioUserOptions();
        if (_options.MaxMaps is < 1 or > 8192 || _options.MessageTimeout <= TimeSpan.Zero)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"a server cannot have {_options.MaxMaps} maps and wait {_options.MessageTimeout}");
        }
    }

    /// <summary>Listens at a socket and serves a function there, until the server is disposed.</summary>
    /// <param name="path">The socket's path, at most 107 bytes; made by the call, readable and writable by this user. One that nobody
    /// listens at any more is replaced.</param>
    /// <param name="function">The function; at one socket only.</param>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: somebody listens there; <see cref="Status.InvalidArgument"/>: no
    /// socket can be there.</exception>
    public void Serve(string path, PciFunction function)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(function);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        function.Observer = _options.Observer;
        _sockets.Add(new FunctionSocket(path, function, _options));
    }

    /// <summary>Cuts all clients off, takes the sockets away and waits for the threads that served.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        foreach (var socket in _sockets)
            socket.Dispose();
        _sockets.Clear();
    }
}
