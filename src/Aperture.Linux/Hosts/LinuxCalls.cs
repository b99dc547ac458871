using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using Aperture.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Hosts;

/// <summary>The kernel itself.</summary>
internal sealed unsafe class LinuxCalls : IHostCalls
{
    private const int TypeBits = 0xF000; // S_IFMT of stat(2)
    private const int BlockDevice = 0x6000;
    private const int CharacterDevice = 0x2000;

    /// <inheritdoc/>
    public Errno Claim(string path, out IDisposable? claim)
    {
        var file = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenExclusive | Libc.OpenNonBlocking | Libc.OpenCloseOnExec);
        var error = file.IsInvalid ? ErrnoExtensions.Last : Errno.None;
        claim = file.IsInvalid ? null : file;
        return error;
    }

    /// <inheritdoc/>
    public (bool IsBlock, string Number)? NodeOf(string path)
    {
        // Without asking a server: that of a network file system may have gone.
        const int Flags = Libc.StatNoAutomount | Libc.StatDoNotSync;
        FileStatus status;
        if (Libc.GetStatus(Libc.CurrentDirectory, path, Flags, Libc.StatType, &status) < 0)
            return null;
        var type = status.Mode & TypeBits;
        var number = string.Create(CultureInfo.InvariantCulture, $"{status.DeviceMajor}:{status.DeviceMinor}");
        return type is BlockDevice or CharacterDevice ? (type == BlockDevice, number) : null;
    }

    /// <inheritdoc/>
    public string? AddressOf(string networkInterface)
    {
        var request = new byte[InterfaceRequest.Bytes];
        if (!InterfaceRequest.TryName(request, networkInterface))
            return null;
        using var socket = OpenSocket();
        fixed (byte* bytes = request)
        {
            if (socket.IsInvalid || Libc.Ioctl(socket, InterfaceRequest.GetAddress, bytes) < 0)
                return null; // EADDRNOTAVAIL: it has none
        }

        return new IPAddress(request.AsSpan(InterfaceRequest.Ipv4Address, 4)).ToString();
    }

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, string Device)> InterfacesOf(string path)
    {
        IReadOnlyList<(string, string)> found = [];
        var thread = new Thread(() => found = Visit(path)) { IsBackground = true, Name = "network namespace" }; // it alone goes there
        thread.Start();
        thread.Join();
        return found;
    }

    private static List<(string Name, string Device)> Visit(string path)
    {
        var found = new List<(string, string)>();
        using var file = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        if (file.IsInvalid || Libc.EnterNamespace(file, Libc.NewNetwork) < 0)
            return found;
        using var socket = OpenSocket();
        foreach (var line in File.ReadLines("/proc/thread-self/net/dev"))
        {
            if (line.Split(':') is not [var name, _])
                continue; // a headline
            if (DeviceOf(socket, name.Trim()) is { Length: > 0 } device)
                found.Add((name.Trim(), device));
        }

        return found;
    }

    /// <summary>Where an interface's device is (ethtool's information about drivers, of 196 bytes: the place is a text of 32 bytes at
    /// offset 100).</summary>
    private static string? DeviceOf(SafeFileHandle socket, string name)
    {
        const int GetDriverInfo = 3;
        const int Bytes = 196;
        const int Place = 100;
        var request = new byte[InterfaceRequest.Bytes];
        if (!InterfaceRequest.TryName(request, name))
            return null;
        var info = stackalloc byte[Bytes];
        new Span<byte>(info, Bytes).Clear();
        *(uint*)info = GetDriverInfo;
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(InterfaceRequest.Data), (ulong)info);
        fixed (byte* bytes = request)
        {
            if (Libc.Ioctl(socket, InterfaceRequest.Ethtool, bytes) < 0)
                return null; // no device is behind it
        }

        return Encoding.UTF8.GetString(new ReadOnlySpan<byte>(info + Place, 32)).TrimEnd('\0');
    }

    private static SafeFileHandle OpenSocket() => Libc.CreateSocket(Libc.InternetFamily, Libc.DatagramSocket | Libc.OpenCloseOnExec, 0);
}
