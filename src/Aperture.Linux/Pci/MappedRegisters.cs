using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Pci;

/// <summary>A region of an open PCI function: through mapped memory where the kernel allows that, through its file elsewhere
/// (configuration space, the pages around an MSI-X table).</summary>
/// <remarks>Thread-safe. An access while the function does not answer is refused; see <see cref="RegisterGate"/>. What cannot be caught:
/// memory decoding or power that somebody switches off behind VFIO's back (setpci, a bridge). Then the processor reads ones, or the
/// platform stops the machine; the process ends only where the kernel turns that into SIGBUS.</remarks>
internal sealed unsafe class MappedRegisters : RegisterRegion, IDisposable
{
    private readonly SafeFileHandle _file; // the device's
    private readonly ulong _offset;        // where the region starts in it
    private readonly Area[] _areas;        // mapped parts, lowest first
    private readonly RegisterGate _gate;   // of the whole function: closed while its registers do not answer
    private readonly GateReason _matters;  // which reasons for a closed gate are ones here

    internal MappedRegisters(
        SafeFileHandle file, string name, ulong offset, ulong size, Area[] areas, RegisterGate gate, GateReason matters)
        : base(name, size)
    {
        _file = file;
        _offset = offset;
        _areas = areas;
        _gate = gate;
        _matters = matters;
    }

    /// <summary>Opens a region and maps what can be mapped of it.</summary>
    /// <param name="device">The function.</param>
    /// <param name="index">Which region.</param>
    /// <param name="gate">Whether the function answers.</param>
    /// <returns>Null for a region that is not there.</returns>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public static MappedRegisters? Open(VfioDevice device, VfioRegion index, RegisterGate gate)
    {
        var info = device.Region(index, out var parts);
        if (info.Size == 0 || (info.Flags & (VfioRegionFlags.Read | VfioRegionFlags.Write)) == 0)
            return null;
        var name = $"{device.Name} {index}";
        var areas = new List<Area>();
        try
        {
            foreach (var part in parts.OrderBy(part => part.Offset))
            {
                const int Rights = Libc.ProtRead | Libc.ProtWrite;
                var address = Libc.Map(0, (nuint)part.Size, Rights, Libc.MapShared, device.File, (long)(info.Offset + part.Offset));
                if (address == Libc.MapFailed)
                {
                    var error = ErrnoExtensions.Last;
                    throw new ApertureException(
                        error.ToStatus(), $"{name} could not be mapped at offset 0x{part.Offset:x}: {error.Describe()}");
                }

                areas.Add(new Area(part.Offset, part.Size, (byte*)address));
            }
        }
        catch
        {
            areas.ForEach(Unmap);
            throw;
        }

        // Configuration space answers in every state of the function but the last.
        var matters = index == VfioRegion.Configuration ? GateReason.ForGood : (GateReason)(-1);
        return new MappedRegisters(device.File, name, info.Offset, info.Size, [.. areas], gate, matters);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override uint Read32(uint offset)
    {
        using var access = _gate.Enter();
        if (Find(offset, sizeof(uint), isWrite: false) is var place and not null)
            return Volatile.Read(ref *(uint*)place);
        var bytes = stackalloc byte[sizeof(uint)];
        ReadFile(offset, bytes, sizeof(uint));
        return BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(bytes, sizeof(uint)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Write32(uint offset, uint value)
    {
        using var access = _gate.Enter();
        if (Find(offset, sizeof(uint), isWrite: true) is var place and not null)
            Volatile.Write(ref *(uint*)place, value);
        else
            WriteFile(offset, (byte*)&value, sizeof(uint));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override ulong Read64(uint offset)
    {
        using var access = _gate.Enter();
        if (Find(offset, sizeof(ulong), isWrite: false) is var place and not null)
            return Volatile.Read(ref *(ulong*)place);
        var bytes = stackalloc byte[sizeof(ulong)];
        ReadFile(offset, bytes, sizeof(ulong));
        return BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(bytes, sizeof(ulong)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Write64(uint offset, ulong value)
    {
        using var access = _gate.Enter();
        if (Find(offset, sizeof(ulong), isWrite: true) is var place and not null)
            Volatile.Write(ref *(ulong*)place, value);
        else
            WriteFile(offset, (byte*)&value, sizeof(ulong));
    }

    /// <summary>Reads bytes through the device's file: for configuration space, which has registers of one and two bytes.</summary>
    /// <exception cref="BusErrorException">They lie outside, or the function is gone.</exception>
    public void Read(uint offset, Span<byte> bytes)
    {
        using var access = _gate.Enter();
        Check(offset, (ulong)offset + (uint)bytes.Length <= Size, isWrite: false);
        fixed (byte* to = bytes)
            ReadFile(offset, to, (uint)bytes.Length);
    }

    /// <summary>Writes bytes through the device's file.</summary>
    /// <inheritdoc cref="Read"/>
    public void Write(uint offset, ReadOnlySpan<byte> bytes)
    {
        using var access = _gate.Enter();
        Check(offset, (ulong)offset + (uint)bytes.Length <= Size, isWrite: true);
        fixed (byte* from = bytes)
            WriteFile(offset, from, (uint)bytes.Length);
    }

    /// <summary>Takes the mapped parts out of this process. The gate must be closed for good.</summary>
    public void Dispose()
    {
        Debug.Assert((_gate.Closed & GateReason.ForGood) != 0, "registers of an open device are unmapped");
        Array.ForEach(_areas, Unmap);
        Array.Clear(_areas);
    }

    private static void Unmap(Area area)
    {
        if (area.Pointer is not null)
            Libc.Unmap((nint)area.Pointer, (nuint)area.Size);
    }

    /// <summary>Where a register is in this process; null where it is reached through the file.</summary>
    private byte* Find(uint offset, uint width, bool isWrite)
    {
        Check(offset, (offset & (width - 1)) == 0 && (ulong)offset + width <= Size, isWrite);
        foreach (var area in _areas)
        {
            if (offset >= area.Offset && offset + width <= area.Offset + area.Size)
                return area.Pointer + (offset - area.Offset);
        }

        return null;
    }

    private void Check(uint offset, bool isInside, bool isWrite)
    {
        var reason = _gate.Closed & _matters;
        if (reason != GateReason.None)
            throw new BusErrorException(Name, offset, isWrite, RegisterGate.Describe(reason));
        if (!isInside)
            throw new BusErrorException(Name, offset, isWrite, "it lies outside of the region, or is not aligned to its size");
    }

    private void ReadFile(uint offset, byte* to, uint bytes)
    {
        if (Libc.ReadAt(_file, to, bytes, (long)(_offset + offset)) != (nint)bytes)
            throw new BusErrorException(Name, offset, isWrite: false);
    }

    private void WriteFile(uint offset, byte* from, uint bytes)
    {
        if (Libc.WriteAt(_file, from, bytes, (long)(_offset + offset)) != (nint)bytes)
            throw new BusErrorException(Name, offset, isWrite: true);
    }

    internal readonly struct Area(ulong offset, ulong size, byte* pointer)
    {
        public ulong Offset { get; } = offset;

        public ulong Size { get; } = size;

        public byte* Pointer { get; } = pointer;
    }
}
