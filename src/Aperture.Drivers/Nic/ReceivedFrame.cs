using Aperture.Datasheets.Nic;

namespace Aperture.Drivers.Nic;

/// <summary>A frame in a buffer of its card. Dispose it once: the buffer goes back to the card.</summary>
public readonly struct ReceivedFrame : IDisposable, IEquatable<ReceivedFrame>
{
    private readonly NetworkCard _card;
    private readonly int _half;

    internal ReceivedFrame(NetworkCard card, int half, int length, EthernetHeader header)
    {
        _card = card;
        _half = half;
        Length = length;
        Header = header;
    }

    /// <summary>Bytes, the header's included.</summary>
    public int Length { get; }

    /// <summary>The header.</summary>
    public EthernetHeader Header { get; }

    /// <summary>The bytes, the header's included, until the frame is disposed.</summary>
    public ReadOnlySpan<byte> Bytes => _card.BytesOf(_half, Length);

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => _card.GiveBack(_half, Length);

    /// <inheritdoc/>
    public bool Equals(ReceivedFrame other) => _card == other._card && _half == other._half && Length == other.Length;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ReceivedFrame other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_card, _half, Length);

    /// <summary>Whether both are the same frame.</summary>
    public static bool operator ==(ReceivedFrame left, ReceivedFrame right) => left.Equals(right);

    /// <summary>Whether they are different frames.</summary>
    public static bool operator !=(ReceivedFrame left, ReceivedFrame right) => !left.Equals(right);
}
