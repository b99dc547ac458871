using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>Configuration space of a function as registers: what they hold, what software may change, and what a one clears. Registers
/// that nobody defined read as zero.</summary>
/// <remarks>Not thread-safe by itself: its host's lock guards it.</remarks>
public sealed class ConfigurationSpace
{
    private readonly byte[] _values = new byte[PciRegisters.Size];
    private readonly byte[] _resets = new byte[PciRegisters.Size];   // what they hold after a reset
    private readonly byte[] _writable = new byte[PciRegisters.Size]; // bits that software sets
    private readonly byte[] _clears = new byte[PciRegisters.Size];   // bits that a one clears
    private uint _next = PciRegisters.FirstCapability;               // where the next capability has room
    private uint _nextExtended = PciRegisters.FirstExtendedCapability;
    private uint _lastExtended;                                      // the last one of their list; 0 for none

    /// <summary>A register of 8 bits.</summary>
    /// <param name="offset">Byte offset, below 4096.</param>
    public byte Get8(uint offset) => _values[offset];

    /// <summary>A register of 16 bits.</summary>
    /// <param name="offset">Byte offset; the register lies below 4096.</param>
    public ushort Get16(uint offset) => BinaryPrimitives.ReadUInt16LittleEndian(_values.AsSpan((int)offset));

    /// <summary>A register of 32 bits.</summary>
    /// <param name="offset">Byte offset; the register lies below 4096.</param>
    public uint Get32(uint offset) => BinaryPrimitives.ReadUInt32LittleEndian(_values.AsSpan((int)offset));

    /// <summary>Changes a register of 16 bits, as the function itself does; what software may change is of no account.</summary>
    public void Set16(uint offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(_values.AsSpan((int)offset), value);

    /// <summary>Changes a register of 32 bits, as the function itself does.</summary>
    public void Set32(uint offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_values.AsSpan((int)offset), value);

    /// <summary>Sets or clears bits of a register of 16 bits, as the function itself does.</summary>
    public void Set16(uint offset, ushort bits, bool isSet) =>
        Set16(offset, (ushort)(isSet ? Get16(offset) | bits : Get16(offset) & ~bits));

    /// <summary>Defines a register of 8 bits.</summary>
    /// <param name="offset">Byte offset.</param>
    /// <param name="value">What it holds now and after a reset.</param>
    /// <param name="writable">The bits that software sets.</param>
    public void Define8(uint offset, byte value, byte writable = 0)
    {
        _values[offset] = _resets[offset] = value;
        _writable[offset] = writable;
    }

    /// <summary>Defines a register of 16 bits.</summary>
    /// <param name="offset">Byte offset.</param>
    /// <param name="value">What it holds now and after a reset.</param>
    /// <param name="writable">The bits that software sets.</param>
    /// <param name="clears">The bits that software clears by a one.</param>
    public void Define16(uint offset, ushort value, ushort writable = 0, ushort clears = 0)
    {
        Define8(offset, (byte)value, (byte)writable);
        Define8(offset + 1, (byte)(value >> 8), (byte)(writable >> 8));
        BinaryPrimitives.WriteUInt16LittleEndian(_clears.AsSpan((int)offset), clears);
    }

    /// <summary>Defines a register of 32 bits.</summary>
    /// <inheritdoc cref="Define8"/>
    public void Define32(uint offset, uint value, uint writable = 0)
    {
        Define16(offset, (ushort)value, (ushort)writable);
        Define16(offset + 2, (ushort)(value >> 16), (ushort)(writable >> 16));
    }

    /// <summary>Adds a capability to the list; its registers behind the first two bytes are zero until they are defined.</summary>
    /// <param name="id">What it is.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>Where it is.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NoSpace"/>: there is no room.</exception>
    public uint AddCapability(CapabilityId id, int length)
    {
        var at = _next;
        if (at + (uint)length > PciRegisters.LegacySize)
            throw new ApertureException(Status.NoSpace, $"configuration space has no room for capability {id} of {length} bytes");
        _next = (at + (uint)length + 3) & ~3u;
        Define8(at, (byte)id);
        Define8(at + 1, _resets[PciRegisters.Capabilities]); // the youngest is first
        Define8(PciRegisters.Capabilities, (byte)at);
        var status = (ushort)(Get16(PciRegisters.Status) | (ushort)PciStatus.HasCapabilities);
        Define16(PciRegisters.Status, status, 0, (ushort)PciStatus.Errors);
        return at;
    }

    /// <summary>Adds an extended capability to the list; its registers behind the first word are zero until they are defined.</summary>
    /// <param name="id">What it is.</param>
    /// <param name="version">Its version, 1 to 15.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>Where it is.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NoSpace"/>: there is no room.</exception>
    public uint AddExtended(ExtendedCapabilityId id, int version, int length)
    {
        var at = _nextExtended;
        if (at + (uint)length > PciRegisters.Size)
            throw new ApertureException(Status.NoSpace, $"configuration space has no room for capability {id} of {length} bytes");
        _nextExtended = (at + (uint)length + 3) & ~3u;
        Define32(at, new ExtendedCapabilityHeader(id, version, 0).Value);
        if (_lastExtended != 0)
        {
            var last = new ExtendedCapabilityHeader(Get32(_lastExtended));
            Define32(_lastExtended, new ExtendedCapabilityHeader(last.Id, last.Version, (int)at).Value);
        }

        _lastExtended = at;
        return at;
    }

    /// <summary>What software reads; no byte of it lies beyond the end.</summary>
    internal ulong Read(uint offset, int width)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        _values.AsSpan((int)offset, width).CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>Software writes; no byte of it lies beyond the end.</summary>
    internal void Write(uint offset, int width, ulong value)
    {
        for (var i = 0; i < width; i++, value >>= 8)
        {
            var at = offset + i;
            var kept = _values[at] & ~_writable[at] & ~(_clears[at] & (byte)value);
            _values[at] = (byte)(kept | ((byte)value & _writable[at]));
        }
    }

    /// <summary>Every register holds what it does after a reset.</summary>
    internal void Reset() => _resets.CopyTo(_values, 0);
}
