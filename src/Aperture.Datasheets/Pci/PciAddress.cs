using System.Globalization;

namespace Aperture.Datasheets.Pci;

/// <summary>Where a function is on its segment: bus, device and function, which is also the requester id of its accesses.</summary>
/// <remarks><code>
/// 15    8 7      3 2        0
/// [ bus ][ device ][ function ]
/// </code>Source: PCI Express Base Specification, 2.2.4.2.</remarks>
/// <param name="Value">The 16 bits.</param>
public readonly record struct PciAddress(ushort Value) : IComparable<PciAddress>
{
    /// <summary>Devices on a bus at most.</summary>
    public const int Devices = 32;

    /// <summary>Functions of a device at most.</summary>
    public const int Functions = 8;

    /// <summary>An address.</summary>
    /// <param name="bus">The bus, 0 to 255.</param>
    /// <param name="device">The device, 0 to 31.</param>
    /// <param name="function">The function, 0 to 7.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such number.</exception>
    public PciAddress(int bus, int device, int function)
        : this((ushort)(Checked(bus, byte.MaxValue) << 8 | Checked(device, Devices - 1) << 3 | Checked(function, Functions - 1)))
    {
    }

    /// <summary>[15:8] the bus.</summary>
    public int Bus => Value >> 8;

    /// <summary>[7:3] the device.</summary>
    public int Device => Value >> 3 & (Devices - 1);

    /// <summary>[2:0] the function.</summary>
    public int Function => Value & (Functions - 1);

    /// <summary>[7:0] device and function.</summary>
    public int Place => Value & 0xFF;

    /// <summary>Whether one comes before another.</summary>
    public static bool operator <(PciAddress left, PciAddress right) => left.Value < right.Value;

    /// <summary>Whether one comes behind another.</summary>
    public static bool operator >(PciAddress left, PciAddress right) => left.Value > right.Value;

    /// <summary>Whether one comes before another or is it.</summary>
    public static bool operator <=(PciAddress left, PciAddress right) => left.Value <= right.Value;

    /// <summary>Whether one comes behind another or is it.</summary>
    public static bool operator >=(PciAddress left, PciAddress right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(PciAddress other) => Value.CompareTo(other.Value);

    /// <summary>As tools print it: <c>00:1f.3</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Bus:x2}:{Device:x2}.{Function}");

    private static int Checked(int number, int largest)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, largest);
        return number;
    }
}
