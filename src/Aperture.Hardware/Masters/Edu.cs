using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The educational PCI device of virtual machines, as a plain memory-mapped master (docs/units/edu.md): a factorial unit,
/// interrupts that software can raise, and a DMA engine between memory and a buffer of 4096 bytes of its own.</summary>
public sealed partial class Edu : MasterDevice
{
    private readonly DmaPort _port;
    private readonly EduOptions _options;
    private readonly ITimer? _factorialTimer; // fires when a factorial is done; null when it takes no time
    private readonly ITimer? _transferTimer;  // the same of a transfer

    /// <summary>A device.</summary>
    /// <param name="port">Its port to memory.</param>
    /// <param name="options">What it is like; the device that virtual machines have by default when null.</param>
    public Edu(DmaPort port, EduOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
        _options = options ?? new EduOptions();
        _factorialTimer = _options.Time?.CreateTimer(
            static edu => ((Edu)edu!).EndFactorial(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _transferTimer = _options.Time?.CreateTimer(
            static edu => ((Edu)edu!).EndTransfer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Bytes that the device decodes: those of the real one's region 0 unless a board gives it less room.</summary>
    public uint WindowSize { get; init; } = EduRegisters.Size;

    /// <inheritdoc/>
    public override uint Size => WindowSize;

    /// <summary>The buffer, for whoever watches the model; the CPU does not see it.</summary>
    public ReadOnlySpan<byte> Buffer => _buffer;

    /// <summary>How the last access to memory ended, for whoever watches the model; no register tells.</summary>
    public DmaStatus LastAccess { get; private set; }

    /// <summary>Where the last access that failed did, as it was on the bus; no register tells.</summary>
    public Iova LastFailure { get; private set; }
}
