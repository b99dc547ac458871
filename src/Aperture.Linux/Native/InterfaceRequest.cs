using System.Text;

namespace Aperture.Linux.Native;

/// <summary>A request about a network interface (netdevice(7), <c>struct ifreq</c> of 40 bytes: a name of 16 bytes, then what is asked
/// or answered).</summary>
internal static class InterfaceRequest
{
    public const int Bytes = 40;
    public const int Data = 16;
    public const int Ipv4Address = 20;     // of a sockaddr_in: behind family and port
    public const uint GetAddress = 0x8915; // SIOCGIFADDR
    public const uint Ethtool = 0x8946;    // SIOCETHTOOL

    private const int LongestName = 15;

    /// <summary>Writes an interface's name.</summary>
    /// <returns>False for one that is too long to be one.</returns>
    public static bool TryName(Span<byte> request, string name) =>
        Encoding.UTF8.GetByteCount(name) <= LongestName && Encoding.UTF8.TryGetBytes(name, request[..LongestName], out _);
}
