using Aperture.Datasheets.Omap3Isp;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The capture path of the OMAP3 camera ISP: parallel interface, CCDC, write buffers, memory
/// (docs/units/omap3-isp.md). The other blocks of the window are there but do nothing.</summary>
public sealed partial class Omap3IspCapture : MasterDevice, IVideoSink
{
    private readonly DmaPort _port;
    private readonly byte[] _bytes = new byte[2 * 0x8000]; // a line on its way to memory

    /// <summary>An ISP.</summary>
    /// <param name="port">Its port to memory, through the ISP's MMU.</param>
    public Omap3IspCapture(DmaPort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
        Receivers = new ReceiverWindow(this);
        Reset();
    }

    /// <inheritdoc/>
    public override uint Size => Omap3IspRegisters.Size;

    /// <summary>The second window of the ISP's node (0x480BD800): the CSI2 receivers, which no sensor is wired to. It answers
    /// with zeros while the ISP has power and clock.</summary>
    public IMmioDevice Receivers { get; }

    private sealed class ReceiverWindow(Omap3IspCapture isp) : IMmioDevice
    {
        public uint Size => 0x17C;

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = 0;
            return isp.Answers && width == 4;
        }

        public bool TryWrite(uint offset, int width, ulong value) => isp.Answers && width == 4;
    }
}
