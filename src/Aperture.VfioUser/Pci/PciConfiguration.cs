using System.Buffers.Binary;
using Aperture.Hardware.Pci;

namespace Aperture.VfioUser;

/// <summary>Configuration space: 256 bytes, of which the client changes what software may change. Source: PCI Local Bus Specification 3.0,
/// chapter 6.</summary>
internal sealed class PciConfiguration
{
    public const int Size = 256;

    private const int CommandRegister = 0x04;
    private const int StatusRegister = 0x06;
    private const int BarRegisters = 0x10;
    private const int FirstCapability = 0x40;
    private const ushort InputOutput = 1;
    private const ushort MemorySpace = 2;
    private const ushort BusMaster = 4;
    private const ushort ParityResponse = 0x40;
    private const ushort SystemErrors = 0x100;
    private const ushort InterruptDisable = 0x400;
    private const byte MsixId = 0x11;

    private readonly byte[] _values = new byte[Size];
    private readonly byte[] _writable = new byte[Size];

    public PciConfiguration(PciIdentity identity, ReadOnlySpan<PciBar?> bars, int tableBar)
    {
        Put16(_values, 0x00, identity.Vendor);
        Put16(_values, 0x02, identity.Device);
        BinaryPrimitives.WriteUInt32LittleEndian(_values.AsSpan(0x08), identity.ClassCode << 8 | identity.Revision);
        Put16(_values, 0x2C, identity.SubsystemVendor);
        Put16(_values, 0x2E, identity.SubsystemDevice);
        _values[0x3D] = identity.InterruptPin;
        Put16(_writable, CommandRegister, InputOutput | MemorySpace | BusMaster | ParityResponse | SystemErrors | InterruptDisable);
        _writable[0x0C] = _writable[0x3C] = 0xFF; // cache line, interrupt line
        for (var i = 0; i < bars.Length; i++)
        {
            if (bars[i] is not { } bar)
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(_values.AsSpan(BarRegisters + 4 * i), bar.Is64Bit ? 4u : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(BarRegisters + 4 * i), ~(bar.Size - 1));
            if (bar.Is64Bit)
                BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(BarRegisters + 4 * i + 4), uint.MaxValue);
        }

        if (identity.Vectors == 0)
            return;
        _values[StatusRegister] = 0x10; // there are capabilities
        _values[0x34] = FirstCapability;
        _values[FirstCapability] = MsixId;
        Put16(_values, FirstCapability + 2, (ushort)(identity.Vectors - 1));
        Put16(_writable, FirstCapability + 2, 0xC000); // enable, mask all
        BinaryPrimitives.WriteUInt32LittleEndian(_values.AsSpan(FirstCapability + 4), (uint)tableBar);
        BinaryPrimitives.WriteUInt32LittleEndian(_values.AsSpan(FirstCapability + 8), MsixTable.PendingOffset | (uint)tableBar);
    }

    /// <summary>Whether the function may make accesses of its own.</summary>
    public bool IsMaster => (Command & BusMaster) != 0;

    /// <summary>Whether the line is kept from the bus.</summary>
    public bool DisablesLine => (Command & InterruptDisable) != 0;

    private ushort Command => BinaryPrimitives.ReadUInt16LittleEndian(_values.AsSpan(CommandRegister));

    public void Read(int offset, Span<byte> destination) => _values.AsSpan(offset, destination.Length).CopyTo(destination);

    public void Write(int offset, ReadOnlySpan<byte> source)
    {
        for (var i = 0; i < source.Length; i++)
        {
            var mask = _writable[offset + i];
            _values[offset + i] = (byte)((_values[offset + i] & ~mask) | (source[i] & mask));
        }
    }

    /// <summary>What software wrote is gone.</summary>
    public void Reset()
    {
        for (var i = 0; i < Size; i++)
            _values[i] &= (byte)~_writable[i];
    }

    private static void Put16(byte[] bytes, int offset, ushort value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(offset), value);
}
