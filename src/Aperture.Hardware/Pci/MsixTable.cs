using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

/// <summary>The table of MSI-X and its pending bits, as registers of a BAR: the bits in the upper half. Source: PCI Local Bus Specification
/// 3.0, 6.8.2.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MsixTable : IMmioDevice
{
    private readonly Lock _lock = new(); // guards the entries and the two switches
    private readonly byte[] _entries;
    private readonly MsiSource[] _sources;
    private bool _isOn;
    private bool _isMasked; // all are

    public MsixTable(DmaPort port, int vectors)
    {
        var half = Math.Max(2048u, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)vectors * MsixRegisters.EntryLength));
        Size = 2 * half;
        PendingOffset = half;
        _entries = new byte[vectors * (int)MsixRegisters.EntryLength];
        _sources = [.. Enumerable.Range(0, vectors).Select(_ => new MsiSource(port))];
        Reset();
    }

    public uint Size { get; }

    public uint PendingOffset { get; }

    public IReadOnlyList<MsiSource> Sources => _sources;

    /// <summary>Enabling and the mask of all.</summary>
    public void Switch(bool isOn, bool isMasked)
    {
        using var gate = EventGate.Close(ThreadRecord.Current); // what is sent is sent without the lock
        lock (_lock)
        {
            var goesOff = _isOn && !isOn;
            (_isOn, _isMasked) = (isOn, isMasked);
            for (var vector = 0; vector < _sources.Length; vector++)
            {
                if (goesOff)
                    _sources[vector].Reset();
                Follow(vector);
            }
        }
    }

    public void Raise(int vector)
    {
        if (Volatile.Read(ref _isOn))
            _sources[vector].Raise();
    }

    public void Reset()
    {
        lock (_lock)
        {
            (_isOn, _isMasked) = (false, false);
            Array.Clear(_entries);
            for (var vector = 0; vector < _sources.Length; vector++)
            {
                _entries[(vector * (int)MsixRegisters.EntryLength) + (int)MsixRegisters.EntryControl] = (byte)MsixRegisters.EntryMasked;
                _sources[vector].Reset();
            }
        }
    }

    public bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (width is not (sizeof(uint) or sizeof(ulong)))
            return false;
        lock (_lock)
        {
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            bytes.Clear();
            if (offset + (uint)width <= _entries.Length)
                _entries.AsSpan((int)offset, width).CopyTo(bytes);
            value = offset >= PendingOffset ? PendingAt(offset - PendingOffset, width) : BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        }

        return true;
    }

    public bool TryWrite(uint offset, int width, ulong value)
    {
        if (width is not (sizeof(uint) or sizeof(ulong)))
            return false;
        if (offset + (uint)width > _entries.Length)
            return true; // nothing is there, or the pending bits, which are not software's
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            bytes[..width].CopyTo(_entries.AsSpan((int)offset));
            Follow((int)(offset / MsixRegisters.EntryLength));
        }

        return true;
    }

    /// <summary>Lets a vector's source be as its entry and the switches say.</summary>
    private void Follow(int vector)
    {
        var entry = _entries.AsSpan(vector * (int)MsixRegisters.EntryLength);
        var address = BinaryPrimitives.ReadUInt64LittleEndian(entry) & ~3ul;
        _sources[vector].Configure(new Iova(address), BinaryPrimitives.ReadUInt32LittleEndian(entry[(int)MsixRegisters.Data..]));
        _sources[vector].SetMask(!_isOn || _isMasked || (entry[(int)MsixRegisters.EntryControl] & MsixRegisters.EntryMasked) != 0);
    }

    private ulong PendingAt(uint offset, int width)
    {
        ulong bits = 0;
        for (var i = 0; i < width * 8 && ((int)offset * 8) + i < _sources.Length; i++)
        {
            if (_sources[((int)offset * 8) + i].IsPending)
                bits |= 1ul << i;
        }

        return bits;
    }
}
