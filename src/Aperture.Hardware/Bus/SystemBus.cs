using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Hardware.Bus;

/// <summary>The physical address space of a machine: RAM and register blocks. An access to anything else is a bus error. Reads and writes
/// are those of devices and table walkers: they see what is in memory, not what the CPU's caches hold.</summary>
public sealed unsafe class SystemBus
{
    private readonly CpuCache? _chaos; // the CPU's caches, if each access of a device disturbs them
    private readonly PrivatePages? _private; // pages that no device reaches; null where there are none
    private Window[] _windows = []; // sorted by address, disjoint; replaced whole so that readers need no lock

    /// <summary>A bus with RAM and no registers yet.</summary>
    public SystemBus(PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Memory = memory;
        _private = memory.Private;
        _chaos = memory.Cache is { HasChaos: true } cache ? cache : null;
    }

    /// <summary>The RAM on the bus.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>Puts a register block at an address.</summary>
    /// <exception cref="ApertureException">The window overlaps RAM or another block, or runs past the end of the address space.</exception>
    public void Attach(PhysicalAddress start, IMmioDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Size == 0)
            throw new ApertureException(Status.InvalidArgument, $"a block without registers cannot be at {start}");
        var range = new MemoryRange(start, device.Size);
        if (range.Last < range.Start)
            throw new ApertureException(
                Status.BadAddress, $"0x{device.Size:x} bytes of registers at {start} run past the end of the address space");
        if (Memory.Overlaps(range))
        {
            throw new ApertureException(Status.AlreadyExists,
                $"registers {range} overlap RAM {Memory.Regions.First(ram => ram.Overlaps(range))}");
        }

        // The windows are disjoint, so only the neighbours can be in the way.
        var index = 0;
        for (var high = _windows.Length; index < high;)
        {
            var middle = (index + high) >>> 1;
            if (_windows[middle].Range.Start < start)
                index = middle + 1;
            else
                high = middle;
        }

        foreach (var neighbour in _windows.AsSpan(Math.Max(0, index - 1), Math.Min(index + 1, _windows.Length) - Math.Max(0, index - 1)))
        {
            if (neighbour.Range.Overlaps(range))
                throw new ApertureException(Status.AlreadyExists, $"registers {range} overlap registers {neighbour.Range}");
        }

        _windows = [.. _windows.AsSpan(0, index), new Window(range, device), .. _windows.AsSpan(index)];
    }

    /// <summary>Takes a register block off the bus; nothing happens when it is not there. Who found it before may still reach it.</summary>
    public void Detach(IMmioDevice device) => _windows = [.. _windows.Where(window => window.Device != device)];

    /// <summary>The block that decodes <paramref name="address"/> and the offset into it.</summary>
    public bool TryFindDevice(PhysicalAddress address, [NotNullWhen(true)] out IMmioDevice? device, out uint offset)
    {
        var windows = _windows;
        int low = 0, high = windows.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var distance = address.Value - windows[middle].Range.Start.Value;
            if (distance < windows[middle].Range.Length)
            {
                device = windows[middle].Device;
                offset = (uint)distance;
                return true;
            }

            if (address < windows[middle].Range.Start)
                high = middle - 1;
            else
                low = middle + 1;
        }

        device = null;
        offset = 0;
        return false;
    }

    /// <summary>Reads an aligned 32-bit little-endian word of a table. Tables lie in RAM: a walker holds its unit's lock and reaches into
    /// no block's registers, its own least of all.</summary>
    /// <returns>False for a bus error: no RAM there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead32(PhysicalAddress address, out uint value)
    {
        if (Memory.TryGetDramPointer(address, sizeof(uint), out var pointer))
        {
            _chaos?.BeforeAccess(address, sizeof(uint));
            value = Volatile.Read(ref *(uint*)pointer);
            return true;
        }

        value = 0;
        return false;
    }

    /// <summary>Reads an aligned 64-bit little-endian word of a table, as <see cref="TryRead32"/> does.</summary>
    /// <returns>False for a bus error: no RAM there.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead64(PhysicalAddress address, out ulong value)
    {
        if (Memory.TryGetDramPointer(address, sizeof(ulong), out var pointer))
        {
            _chaos?.BeforeAccess(address, sizeof(ulong));
            value = Volatile.Read(ref *(ulong*)pointer);
            return true;
        }

        value = 0;
        return false;
    }

    /// <summary>Replaces an aligned 32-bit little-endian word of RAM if it holds what is expected, in one step: no other device, walker
    /// or CPU comes between. What a walker does that sets flags in tables.</summary>
    /// <param name="address">The word; a multiple of 4.</param>
    /// <param name="expected">What must be there.</param>
    /// <param name="desired">What is there afterwards.</param>
    /// <param name="found">What was there; it was replaced only if that is <paramref name="expected"/>.</param>
    /// <param name="isCoherent">Whether the device snoops the CPU's caches.</param>
    /// <returns>False for a bus error: no RAM there, or misaligned.</returns>
    public bool TryCompareExchange32(PhysicalAddress address, uint expected, uint desired, out uint found, bool isCoherent = false)
    {
        found = 0;
        if (!address.IsAligned(sizeof(uint)) || !Memory.TryGetWritableDramPointer(address, sizeof(uint), out var pointer))
            return false;
        if (isCoherent && Memory.Cache is { } cache)
        {
            found = cache.CompareExchangeCoherent32(address, expected, desired);
            return true;
        }

        _chaos?.BeforeAccess(address, sizeof(uint));
        found = Interlocked.CompareExchange(ref *(uint*)pointer, desired, expected);
        return true;
    }

    /// <summary>Replaces an aligned 64-bit little-endian word of RAM if it holds what is expected, in one step.</summary>
    /// <param name="address">The word; a multiple of 8.</param>
    /// <param name="expected">What must be there.</param>
    /// <param name="desired">What is there afterwards.</param>
    /// <param name="found">What was there; it was replaced only if that is <paramref name="expected"/>.</param>
    /// <param name="isCoherent">Whether the device snoops the CPU's caches.</param>
    /// <returns>As of <see cref="TryCompareExchange32"/>.</returns>
    public bool TryCompareExchange64(PhysicalAddress address, ulong expected, ulong desired, out ulong found, bool isCoherent = false)
    {
        found = 0;
        if (!address.IsAligned(sizeof(ulong)) || !Memory.TryGetWritableDramPointer(address, sizeof(ulong), out var pointer))
            return false;
        if (isCoherent && Memory.Cache is { } cache)
        {
            found = cache.CompareExchangeCoherent64(address, expected, desired);
            return true;
        }

        _chaos?.BeforeAccess(address, sizeof(ulong));
        found = Interlocked.CompareExchange(ref *(ulong*)pointer, desired, expected);
        return true;
    }

    /// <summary>Reads bytes from RAM, or one register of 1, 2, 4 or 8 bytes.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="destination">The bytes.</param>
    /// <param name="isCoherent">Whether the device snoops the CPU's caches.</param>
    /// <returns>False for a bus error; the buffer is then unchanged.</returns>
    public bool TryRead(PhysicalAddress address, Span<byte> destination, bool isCoherent = false) =>
        TryReadMemory(address, destination, isCoherent) || TryReadRegister(address, destination);

    /// <summary>Writes bytes to RAM, or one register of 1, 2, 4 or 8 bytes.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="isCoherent">Whether the device snoops the CPU's caches.</param>
    /// <returns>False for a bus error; nothing was written then.</returns>
    public bool TryWrite(PhysicalAddress address, ReadOnlySpan<byte> source, bool isCoherent = false) =>
        TryWriteMemory(address, source, isCoherent) || TryWriteRegister(address, source);

    /// <summary>Reads bytes from RAM.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="destination">The bytes.</param>
    /// <param name="isCoherent">Whether the device snoops the CPU's caches.</param>
    /// <returns>False where that is not RAM, or private; the buffer is then unchanged.</returns>
    public bool TryReadMemory(PhysicalAddress address, Span<byte> destination, bool isCoherent = false)
    {
        if (_private is not null && _private.IsPrivate(address, (ulong)destination.Length))
            return false;
        if (Memory.TryGetDramPointer(address, (ulong)destination.Length, out var pointer))
        {
            if (isCoherent && Memory.Cache is { } cache)
            {
                cache.ReadCoherent(address, destination);
                return true;
            }

            _chaos?.BeforeAccess(address, (ulong)destination.Length);
            new ReadOnlySpan<byte>(pointer, destination.Length).CopyTo(destination);
            return true;
        }

        return false;
    }

    /// <summary>Writes bytes to RAM.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="isCoherent">Whether the device snoops the CPU's caches.</param>
    /// <returns>False where that is not RAM, or private; nothing was written then.</returns>
    public bool TryWriteMemory(PhysicalAddress address, ReadOnlySpan<byte> source, bool isCoherent = false)
    {
        if (_private is not null && _private.IsPrivate(address, (ulong)source.Length))
            return false;
        if (Memory.TryGetWritableDramPointer(address, (ulong)source.Length, out var pointer))
        {
            if (isCoherent && Memory.Cache is { } cache)
            {
                cache.WriteCoherent(address, source);
                return true;
            }

            _chaos?.BeforeAccess(address, (ulong)source.Length);
            source.CopyTo(new Span<byte>(pointer, source.Length));
            return true;
        }

        return false;
    }

    /// <summary>Reads a register.</summary>
    /// <returns>False for a bus error: nothing there, misaligned, or refused by the block.</returns>
    public bool TryReadRegister(PhysicalAddress address, int width, out ulong value)
    {
        value = 0;
        return IsRegisterAccess(address, width) && TryFindDevice(address, out var device, out var offset)
            && device.TryRead(offset, width, out value);
    }

    /// <summary>Writes a register.</summary>
    /// <returns>False for a bus error: nothing there, misaligned, or refused by the block.</returns>
    public bool TryWriteRegister(PhysicalAddress address, int width, ulong value) =>
        IsRegisterAccess(address, width) && TryFindDevice(address, out var device, out var offset) && device.TryWrite(offset, width, value);

    /// <summary>Reads one register of as many bytes as the buffer has, or any bytes of a block that takes such accesses
    /// (<see cref="IBurstDevice"/>).</summary>
    /// <returns>False for a bus error; the buffer is then unchanged, but for such a block.</returns>
    public bool TryReadRegister(PhysicalAddress address, Span<byte> destination)
    {
        if (TryFindBurst(address, destination.Length, out var block, out var offset))
            return block.TryRead(offset, destination);
        if (!TryReadRegister(address, destination.Length, out var value))
            return false;
        MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value))[..destination.Length].CopyTo(destination);
        return true;
    }

    /// <summary>Writes one register of as many bytes as there are, or any bytes of a block that takes such accesses
    /// (<see cref="IBurstDevice"/>).</summary>
    /// <returns>False for a bus error.</returns>
    public bool TryWriteRegister(PhysicalAddress address, ReadOnlySpan<byte> source)
    {
        ulong value = 0;
        if (TryFindBurst(address, source.Length, out var block, out var offset))
            return block.TryWrite(offset, source);
        if (source.Length > sizeof(ulong))
            return false;
        source.CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
        return TryWriteRegister(address, source.Length, value);
    }

    private bool TryFindBurst(PhysicalAddress address, int length, [NotNullWhen(true)] out IBurstDevice? block, out uint offset)
    {
        block = TryFindDevice(address, out var found, out offset) ? found as IBurstDevice : null;
        return block is not null && (uint)length <= block.Size - offset;
    }

    private static bool IsRegisterAccess(PhysicalAddress address, int width) =>
        width is 1 or 2 or 4 or 8 && address.IsAligned((ulong)width);

    private readonly record struct Window(MemoryRange Range, IMmioDevice Device);
}
