using Aperture.Core;

namespace Aperture.Hardware.Bus;

/// <summary>Where message interrupts arrive: a block whose register turns each write into an interrupt of the number that was
/// written.</summary>
/// <remarks>Source: Arm DEN 0029 (SBSA), appendix on GICv2m: MSI_TYPER at 0x008 tells the first number in bits 25..16 and how many there
/// are in bits 9..0; MSI_SETSPI_NS at 0x040 takes the number, as 32 bits. Writes of other numbers have no effect.</remarks>
public sealed class MessageFrame : IMmioDevice
{
    /// <summary>Offset of MSI_TYPER.</summary>
    public const uint Type = 0x008;

    /// <summary>Offset of MSI_SETSPI_NS, where messages go.</summary>
    public const uint SetSpi = 0x040;

    private const int MostNumbers = 0x3FF;

    private readonly Action<uint> _received;

    /// <summary>A frame.</summary>
    /// <param name="first">The first number, below 1024.</param>
    /// <param name="count">How many numbers it takes: 1 to 1023, all below 1024.</param>
    /// <param name="received">Is told of each message by its place: 0 for <paramref name="first"/>. Called by the thread that writes; see
    /// <see cref="Translation.MsiSource"/>.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there are no such numbers.</exception>
    public MessageFrame(uint first, int count, Action<uint> received)
    {
        ArgumentNullException.ThrowIfNull(received);
        if (count is < 1 or > MostNumbers || first > MostNumbers + 1 - (uint)count)
            throw new ApertureException(Status.InvalidArgument, $"a message frame cannot have {count} numbers from {first} on");
        First = first;
        Count = count;
        _received = received;
    }

    /// <summary>The first number.</summary>
    public uint First { get; }

    /// <summary>How many numbers it takes.</summary>
    public int Count { get; }

    /// <inheritdoc/>
    public uint Size => 0x1000;

    /// <inheritdoc/>
    public bool TryRead(uint offset, int width, out ulong value)
    {
        value = offset == Type ? (First << 16) | (uint)Count : 0;
        return width == sizeof(uint);
    }

    /// <inheritdoc/>
    public bool TryWrite(uint offset, int width, ulong value)
    {
        if (width != sizeof(uint))
            return false;
        var place = (uint)value - First;
        if (offset == SetSpi && place < (uint)Count)
            _received(place);
        return true;
    }
}
