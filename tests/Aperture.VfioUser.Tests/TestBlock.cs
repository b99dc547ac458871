using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.VfioUser.Tests;

/// <summary>Registers for tests: 0x00 to 0x7F are storage; 0x80 is a device address; 0x88 copies a word between it and 0x00: 1 reads,
/// 2 writes, and reads how that ended; 0x90 drives the line; 0x98 throws; the rest answers nothing.</summary>
internal sealed class TestBlock(DmaPort port) : BusDevice
{
    private readonly byte[] _storage = new byte[0x80];
    private ulong _address;
    private DmaStatus _status;

    public override uint Size => 0x100;

    public int Resets { get; private set; }

    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (offset < _storage.Length)
            _storage.AsSpan((int)offset, width).CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
        else if (offset == 0x88)
            value = (ulong)_status;
        else
            return false;
        return true;
    }

    public override bool TryWrite(uint offset, int width, ulong value)
    {
        switch (offset)
        {
            case < 0x80:
                MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))[..width].CopyTo(_storage.AsSpan((int)offset));
                return true;
            case 0x80:
                _address = value;
                return true;
            case 0x88:
                _status = Copy(value == 2);
                return true;
            case 0x90:
                Interrupt.Set(value != 0);
                return true;
            case 0x98:
                throw new InvalidOperationException("a fault of the model");
            default:
                return false;
        }
    }

    /// <summary>Copies a word.</summary>
    public DmaStatus Copy(bool isWrite) => isWrite
        ? port.Write(new Iova(_address), _storage.AsSpan(0, sizeof(ulong)), out _)
        : port.Read(new Iova(_address), _storage.AsSpan(0, sizeof(ulong)), out _);

    protected override void Reset()
    {
        Resets++;
        Array.Clear(_storage);
        Interrupt.Set(false);
    }
}
