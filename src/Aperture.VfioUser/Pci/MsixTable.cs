using System.Buffers.Binary;
using Aperture.Hardware.Bus;

namespace Aperture.VfioUser;

/// <summary>The BAR of MSI-X: the table, which is storage here as the client sends the messages, and the pending bits. Source: PCI Local
/// Bus Specification 3.0, 6.8.2.</summary>
internal sealed class MsixTable(FunctionInterrupts interrupts, int vectors) : IMmioDevice
{
    public const int MaxVectors = 256;
    public const uint PendingOffset = 0x1000;

    private const int EntryBytes = 16;
    private const uint Bytes = 0x2000;

    private readonly byte[] _table = new byte[vectors * EntryBytes];

    public uint Size => Bytes;

    public bool TryRead(uint offset, int width, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        if (offset >= PendingOffset)
            interrupts.CopyPending((int)(offset - PendingOffset), bytes[..width]);
        else if (offset + width <= _table.Length)
            _table.AsSpan((int)offset, width).CopyTo(bytes);
        value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return true;
    }

    public bool TryWrite(uint offset, int width, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        if (offset + width <= _table.Length)
            bytes[..width].CopyTo(_table.AsSpan((int)offset));
        return true;
    }
}
