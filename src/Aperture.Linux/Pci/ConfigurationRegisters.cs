using System.Buffers.Binary;
using Aperture.Devices;

namespace Aperture.Linux.Pci;

/// <summary>Configuration space of an open PCI function, through the device's file. Whatever a write does to the function's answers to
/// accesses of its BARs is known to the gate of those: it closes before such a write, and opens after one when the function answers
/// again.</summary>
internal sealed class ConfigurationRegisters : RegisterRegion
{
    private const uint Command = 4;             // PCI Local Bus Specification 3.0, section 6.2
    private const uint Status = 6;
    private const uint FirstCapability = 0x34;
    private const ushort MemorySpace = 1 << 1;
    private const ushort BusMaster = 1 << 2;
    private const ushort HasCapabilities = 1 << 4;
    private const byte PowerManagement = 1;     // PCI Bus Power Management Interface Specification 1.2, 3.2: PMCSR is 4 bytes behind
    private const uint PowerState = 3;          // 0: D0
    private const int MostCapabilities = 48;    // of four bytes each behind the header; more is a circle

    private readonly MappedRegisters _file;
    private readonly RegisterGate _gate;
    private readonly Lock _lock = new(); // held while a write changes what the gate must know
    private readonly uint _powerControl; // PMCSR; 0 for none
    private volatile bool _isStopped;    // bus mastering stays off, whatever is written
    private volatile bool _isMaster;     // what was written of it meanwhile
    private bool _hasMemorySpace = true; // a virtual function has no such bit of its own and always answers

    /// <summary>Configuration space.</summary>
    /// <param name="file">The region of the device's file.</param>
    /// <param name="gate">Closed and opened by writes here.</param>
    public ConfigurationRegisters(MappedRegisters file, RegisterGate gate)
        : base(file.Name, file.Size)
    {
        _file = file;
        _gate = gate;
        _powerControl = FindPowerControl();
    }

    /// <inheritdoc/>
    public override uint Read32(uint offset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        Read(offset, bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    /// <inheritdoc/>
    public override void Write32(uint offset, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Write(offset, bytes);
    }

    /// <inheritdoc/>
    public override ulong Read64(uint offset) => Read32(offset) | ((ulong)Read32(offset + sizeof(uint)) << 32);

    /// <inheritdoc/>
    public override void Write64(uint offset, ulong value)
    {
        Write32(offset, (uint)value);
        Write32(offset + sizeof(uint), (uint)(value >> 32));
    }

    /// <summary>Reads bytes.</summary>
    /// <exception cref="BusErrorException">They lie outside, or the function is gone.</exception>
    public void Read(uint offset, Span<byte> bytes)
    {
        _file.Read(offset, bytes);
        if (_isStopped && _isMaster && ByteOf(Command, offset, bytes) is not null)
            bytes[(int)(Command - offset)] |= (byte)BusMaster; // whoever reads to write another bit shall not lose this one
    }

    /// <summary>Writes bytes.</summary>
    /// <inheritdoc cref="Read"/>
    public void Write(uint offset, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            var closes = (_hasMemorySpace && ByteOf(Command, offset, bytes) is { } command && (command & MemorySpace) == 0
                    ? GateReason.NoMemorySpace : GateReason.None)
                | (_powerControl != 0 && ByteOf(_powerControl, offset, bytes) is { } power && (power & PowerState) != 0
                    ? GateReason.LowPower : GateReason.None);
            if (closes != GateReason.None)
                _gate.Close(closes);
            if (_isStopped && ByteOf(Command, offset, bytes) is { } wanted)
                WriteStopped(offset, bytes, wanted);
            else
                _file.Write(offset, bytes);
            if (_gate.Closed != GateReason.None)
                Look();
        }
    }

    /// <summary>Switches memory decoding on and sees whether the function has that bit.</summary>
    public void EnableMemory()
    {
        lock (_lock)
        {
            Span<byte> bytes = stackalloc byte[sizeof(ushort)];
            Read(Command, bytes);
            var command = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(bytes) | MemorySpace);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, command);
            _file.Write(Command, bytes);
            _hasMemorySpace = (Byte(Command) & MemorySpace) != 0;
            Look();
        }
    }

    /// <summary>Keeps the function from memory, whoever writes that it may be bus master, until <see cref="ResumeMastering"/>. When this
    /// returns, what it had written before has arrived.</summary>
    /// <exception cref="BusErrorException">The function is gone.</exception>
    public void StopMastering()
    {
        lock (_lock)
        {
            if (_isStopped)
                return;
            var command = Byte(Command);
            _file.Write(Command, [(byte)(command & ~BusMaster)]);
            Byte(Status); // the answer comes behind what was posted before (PCI Express Base Specification, ordering rules of 2.4.1)
            _isMaster = (command & BusMaster) != 0;
            _isStopped = true;
        }
    }

    /// <summary>Lets the function be bus master again, if software has it so.</summary>
    /// <exception cref="BusErrorException">The function is gone.</exception>
    public void ResumeMastering()
    {
        lock (_lock)
        {
            if (!_isStopped)
                return;
            _isStopped = false;
            if (_isMaster)
                _file.Write(Command, [(byte)(Byte(Command) | BusMaster)]);
        }
    }

    private void WriteStopped(uint offset, ReadOnlySpan<byte> bytes, byte wanted)
    {
        Span<byte> kept = stackalloc byte[bytes.Length];
        bytes.CopyTo(kept);
        kept[(int)(Command - offset)] &= unchecked((byte)~BusMaster);
        _file.Write(offset, kept);
        _isMaster = (wanted & BusMaster) != 0;
    }

    /// <summary>The byte that a write puts at a place; null when it does not reach it.</summary>
    private static byte? ByteOf(uint place, uint offset, ReadOnlySpan<byte> bytes) =>
        place >= offset && place - offset < (uint)bytes.Length ? bytes[(int)(place - offset)] : null;

    /// <summary>Opens the gate as far as the function says that it answers.</summary>
    private void Look()
    {
        if (!_hasMemorySpace || (Byte(Command) & MemorySpace) != 0)
            _gate.Open(GateReason.NoMemorySpace);
        else
            _gate.Close(GateReason.NoMemorySpace);
        if (_powerControl == 0 || (Byte(_powerControl) & PowerState) == 0)
            _gate.Open(GateReason.LowPower);
        else
            _gate.Close(GateReason.LowPower);
    }

    private byte Byte(uint offset)
    {
        byte value = 0;
        Read(offset, new Span<byte>(ref value));
        return value;
    }

    private uint FindPowerControl()
    {
        if ((Byte(Status) & HasCapabilities) == 0)
            return 0;
        uint at = Byte(FirstCapability);
        for (var i = 0; at != 0 && i < MostCapabilities; i++)
        {
            at &= ~3u;
            if (Byte(at) == PowerManagement)
                return at + 4;
            at = Byte(at + 1);
        }

        return 0;
    }
}
