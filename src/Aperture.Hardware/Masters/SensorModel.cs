using Aperture.Core;

namespace Aperture.Hardware.Masters;

/// <summary>A camera sensor that sees a moving test picture: eight colour bars that go one bar's width to the left in
/// sixteen frames, above a grey ramp. It gives 10-bit samples in the order green red / blue green.</summary>
/// <remarks>Deterministic: frame n is the same on every run. Driven by hand (<see cref="Tick"/>, <see cref="SendFrame"/>) or
/// by a timer of the machine's clock. Not thread-safe. Lines into a sink that is off are lost, as on wires.</remarks>
public sealed class SensorModel : IDisposable
{
    private static readonly uint[] Bars = [0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00, 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000];

    private readonly IVideoSink _sink;
    private readonly ushort[] _line;
    private ITimer? _timer; // runs while the sensor streams by itself
    private int _next;      // the line to send next

    /// <summary>A sensor wired to a sink.</summary>
    /// <param name="sink">Where the lines go.</param>
    /// <param name="width">Pixels; even, 16 to 8192.</param>
    /// <param name="height">Lines; even, 4 to 8192.</param>
    public SensorModel(IVideoSink sink, int width = 320, int height = 240)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (width is < 16 or > 8192 || height is < 4 or > 8192 || ((width | height) & 1) != 0)
            throw new ApertureException(Status.InvalidArgument, $"a sensor of {width} x {height} pixels is odd, too small or too large");
        _sink = sink;
        _line = new ushort[width];
        Width = width;
        Height = height;
    }

    /// <summary>Pixels of a line.</summary>
    public int Width { get; }

    /// <summary>Lines of a frame.</summary>
    public int Height { get; }

    /// <summary>Number of the frame that is being sent, from zero.</summary>
    public uint Frame { get; private set; }

    /// <summary>Sends the next line.</summary>
    public void Tick()
    {
        if (_next == 0)
            _sink.FrameStart();
        for (var x = 0; x < _line.Length; x++)
            _line[x] = SampleAt(Frame, x, _next);
        _sink.Line(_line);
        if (++_next < Height)
            return;
        _next = 0;
        Frame++;
        _sink.FrameEnd();
    }

    /// <summary>Sends the lines up to the end of the frame.</summary>
    public void SendFrame()
    {
        do
        {
            Tick();
        }
        while (_next != 0);
    }

    /// <summary>Sends frames by a clock until <see cref="Stop"/>.</summary>
    /// <param name="time">The machine's clock; its timers must run on the machine's thread.</param>
    /// <param name="period">From frame to frame.</param>
    public void Start(TimeProvider time, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(time);
        Stop();
        _timer = time.CreateTimer(static sensor => ((SensorModel)sensor!).SendFrame(), this, period, period);
    }

    /// <summary>Stops sending by itself.</summary>
    public void Stop()
    {
        _timer?.Dispose();
        _timer = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    /// <summary>The colour that the sensor looks at.</summary>
    /// <param name="frame">Number of the frame.</param>
    /// <param name="x">Pixel.</param>
    /// <param name="y">Line.</param>
    /// <returns>[23:16] red, [15:8] green, [7:0] blue. The same for the four pixels of a square with even corner.</returns>
    public uint ColourAt(uint frame, int x, int y)
    {
        x &= ~1;
        if (y >= Height * 3 / 4 / 2 * 2)
            return (uint)(x * 255 / (Width - 2)) * 0x010101;
        var moved = (uint)x + (frame * (uint)Width / 128 & ~1u);
        return Bars[moved % (uint)Width * 8 / (uint)Width];
    }

    private ushort SampleAt(uint frame, int x, int y)
    {
        var colour = ColourAt(frame, x, y);
        var channel = (y & 1, x & 1) switch
        {
            (0, 1) => colour >> 16,
            (1, 0) => colour,
            _ => colour >> 8,
        };
        return (ushort)((channel & 0xFF) << 2);
    }
}
