using Aperture.Datasheets.DmaMaster;
using Aperture.Datasheets.Nic;
using Aperture.Drivers.Nic;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>What one network card sends and receives, compared byte for byte with what it should. A frame holds its number and a pattern of
/// it.</summary>
/// <param name="machine">The machine.</param>
/// <param name="card">The card's driver.</param>
/// <param name="model">The card.</param>
public sealed partial class NicTraffic(Machine machine, NetworkCard card, Nic model) : IFrameSink
{
    private const int Held = 24; // frames that the consumer keeps for a while
    private const ulong Ours = 0x0200_0000_0001;
    private const ulong Theirs = 0x0200_0000_0002;
    private const int PageBytes = 4096;
    private const int Smallest = EthernetHeader.Size + sizeof(uint);

    private readonly Random _random = new(1);
    private readonly Queue<ReceivedFrame> _held = new();
    private readonly byte[] _scratch = new byte[NicRegisters.MaxFrame];
    private uint _expected;    // number of the next frame to the card
    private uint _arrived;     // number of the next frame from the card
    private bool _isGreedy;    // the consumer gives nothing back
    private string? _trouble;  // the first thing that went wrong

    /// <summary>What happened, for people.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Runs all of it. True when every byte was right.</summary>
    public bool Run()
    {
        card.Received = OnReceived;
        card.Address = Ours;
        model.Link = this;
        try
        {
            Loopback();
            Exchange();
            Sleep();
            Overrun();
        }
        finally
        {
            GiveBack(0);
            card.Close();
            FreeSent();
            model.Link = null;
        }

        Lines.Insert(
            0,
            $"{card.Device.Name}: {card.SentFrames} frames sent, {card.ReceivedFrames} received, {card.Filtered} for others, "
                + $"{card.Dropped} dropped; {card.Recycled} half-pages used again");
        if (_trouble is not null)
            Lines.Insert(1, $"{card.Device.Name}: {_trouble}");
        return _trouble is null;
    }

    /// <inheritdoc/>
    public void OnFrame(ReadOnlySpan<byte> frame)
    {
        var wrong = Wrong(frame, Theirs, _arrived++);
        if (wrong is not null)
            Fail($"on the wire, {wrong}");
    }

    private void OnReceived(ReceivedFrame frame)
    {
        if (Wrong(frame.Bytes, Ours, _expected++) is { } wrong)
            Fail(wrong);
        _held.Enqueue(frame);
        if (!_isGreedy)
            GiveBack(Held);
    }

    private void GiveBack(int left)
    {
        while (_held.Count > left)
            _held.Dequeue().Dispose();
    }

    private int Length() => Smallest + _random.Next(NicRegisters.MaxFrame - Smallest + 1);

    private void Fail(string what) => _trouble ??= what;

    private ReadOnlySpan<byte> Frame(uint number, ulong to, int length)
    {
        var frame = _scratch.AsSpan(0, length);
        Fill(frame, number, to);
        return frame;
    }

    private static void Fill(Span<byte> frame, uint number, ulong to)
    {
        new EthernetHeader(to, to == Ours ? Theirs : Ours, EthernetHeader.Experimental).Write(frame);
        BitConverter.TryWriteBytes(frame[EthernetHeader.Size..], number);
        DmaMasterPattern.Fill(frame[Smallest..], number, 0);
    }

    private static string? Wrong(ReadOnlySpan<byte> frame, ulong to, uint number)
    {
        Span<byte> expected = stackalloc byte[frame.Length];
        if (frame.Length < Smallest)
            return $"frame {number} has only {frame.Length} bytes";
        Fill(expected, number, to);
        var at = frame.CommonPrefixLength(expected);
        return at == frame.Length
            ? null
            : $"frame {number} has 0x{frame[at]:x2} instead of 0x{expected[at]:x2} at byte {at} of {frame.Length}";
    }
}
