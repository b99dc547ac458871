using System.Net.Sockets;
using Aperture.Core;

namespace Aperture.VfioUser;

/// <summary>Listening sockets in the file system.</summary>
internal static class UnixSocket
{
    /// <summary>Listens at a path, for this user only. A socket that nobody listens at any more is replaced.</summary>
    /// <exception cref="ApertureException">Somebody listens there, or no socket can be there.</exception>
    public static Socket Listen(string path)
    {
        var listener = New();
        try
        {
            var place = new UnixDomainSocketEndPoint(path);
            try
            {
                listener.Bind(place);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse && IsLeftBehind(place))
            {
                File.Delete(path);
                listener.Bind(place);
            }

            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(8);
            return listener;
        }
        catch (Exception error) when (error is SocketException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            listener.Dispose();
            var isInUse = error is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse };
            throw new ApertureException(
                isInUse ? Status.Busy : Status.InvalidArgument, $"no socket can be made at {path}: {error.Message}", error);
        }
    }

    /// <summary>Whether a socket is there that nobody listens at.</summary>
    private static bool IsLeftBehind(UnixDomainSocketEndPoint place)
    {
        using var probe = New();
        try
        {
            probe.Connect(place);
            return false;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
