using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The generic DMA master: it reads, writes, copies and verifies memory through any of its ports. It stands behind
/// every master of a board that has no model of its own (docs/units/dma-master.md).</summary>
/// <remarks>A command runs to its end, or until it stalls, within the register write that starts it. With a
/// <see cref="MasterDevice.Pace"/> only the first slice does: the status stays busy, BYTES_DONE and CHECKSUM follow slice by slice, and an
/// abort takes effect between two of them. Nothing is allocated by a command.</remarks>
public sealed partial class DmaMaster : MasterDevice
{
    /// <summary>Bytes that a command moves at a time.</summary>
    public const int ChunkSize = 64 * 1024;

    private readonly DmaPort[] _ports;
    private readonly byte[] _chunk = new byte[ChunkSize];    // what was read, or will be written
    private readonly byte[] _expected = new byte[ChunkSize]; // what VERIFY compares with

    /// <summary>A master.</summary>
    /// <param name="ports">Its ports to memory: one for each unit that it is behind, and each of its numbers there; 1 to 256.</param>
    /// <exception cref="ApertureException">No port, or too many.</exception>
    public DmaMaster(params ReadOnlySpan<DmaPort> ports)
    {
        if (ports.IsEmpty || ports.Length > 256)
            throw new ApertureException(Status.InvalidArgument, $"a DMA master has 1 to 256 ports, not {ports.Length}");
        _ports = ports.ToArray();
    }

    /// <summary>Bytes that the block decodes, at least <see cref="DmaMasterRegisters.Size"/>: a board gives the block the
    /// window of the device that it stands for.</summary>
    public uint WindowSize { get; init; } = DmaMasterRegisters.Size;

    /// <inheritdoc/>
    public override uint Size => Math.Max(WindowSize, DmaMasterRegisters.Size);

    /// <summary>Number of ports.</summary>
    public int PortCount => _ports.Length;
}
