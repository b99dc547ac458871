using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.Linux.Pci;

/// <summary>A region of an open PCI function: through mapped memory where the kernel allows that, through its file elsewhere (configuration space,
/// the pages around an MSI-X table).</summary>
internal sealed unsafe class MappedRegisters : RegisterRegion, IDisposable
{
    private readonly VfioDevice _device;
    private readonly ulong _offset;    // where the region starts in the device's file
    private readonly Area[] _areas;    // mapped parts, lowest first
    private bool _isClosed;

    private MappedRegisters(VfioDevice device, string name, VfioRegionInfo info, Area[] areas)
        : base(name, info.Size)
    {
        _device = device;
        _offset = info.Offset;
        _areas = areas;
    }

    /// <summary>Opens a region and maps what can be mapped of it.</summary>
    /// <returns>Null for a region that is not there.</returns>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public static MappedRegisters? Open(VfioDevice device, VfioRegion index)
    {
        var info = device.Region(index, out var parts);
        if (info.Size == 0 || (info.Flags & (VfioRegionFlags.Read | VfioRegionFlags.Write)) == 0)
            return null;
        var areas = new List<Area>();
        var region = new MappedRegisters(device, $"{device.Name} {index}", info, []);
        try
        {
            foreach (var part in parts.OrderBy(part => part.Offset))
            {
                var address = Libc.Map(0, (nuint)part.Size, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared, device.File, (long)(info.Offset + part.Offset));
                if (address == Libc.MapFailed)
                    throw new ApertureException(ErrnoExtensions.Last.ToStatus(), $"{region.Name} could not be mapped at offset 0x{part.Offset:x}: {ErrnoExtensions.Last.Describe()}");
                areas.Add(new Area(part.Offset, part.Size, (byte*)address));
            }
        }
        catch
        {
            areas.ForEach(Unmap);
            throw;
        }

        return new MappedRegisters(device, region.Name, info, [.. areas]);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override uint Read32(uint offset)
    {
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
        if (Find(offset, sizeof(uint), isWrite: true) is var place and not null)
            Volatile.Write(ref *(uint*)place, value);
        else
            WriteFile(offset, (byte*)&value, sizeof(uint));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override ulong Read64(uint offset)
    {
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
        if (Find(offset, sizeof(ulong), isWrite: true) is var place and not null)
            Volatile.Write(ref *(ulong*)place, value);
        else
            WriteFile(offset, (byte*)&value, sizeof(ulong));
    }

    /// <summary>Reads bytes through the device's file: for configuration space, which has registers of one and two bytes.</summary>
    public void Read(uint offset, Span<byte> bytes)
    {
        Check(offset, (uint)bytes.Length, isWrite: false);
        fixed (byte* to = bytes)
            ReadFile(offset, to, (uint)bytes.Length);
    }

    /// <summary>Writes bytes through the device's file.</summary>
    public void Write(uint offset, ReadOnlySpan<byte> bytes)
    {
        Check(offset, (uint)bytes.Length, isWrite: true);
        fixed (byte* from = bytes)
            WriteFile(offset, from, (uint)bytes.Length);
    }

    /// <summary>Takes the mapped parts out of this process. Accesses fail from here on.</summary>
    public void Dispose()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        Array.ForEach(_areas, Unmap);
    }

    private static void Unmap(Area area) => Libc.Unmap((nint)area.Pointer, (nuint)area.Size);

    /// <summary>Where a register is in this process; null where it is reached through the file.</summary>
    private byte* Find(uint offset, uint width, bool isWrite)
    {
        if (_isClosed || (offset & (width - 1)) != 0 || (ulong)offset + width > Size)
            throw new BusErrorException(Name, offset, isWrite);
        foreach (var area in _areas)
        {
            if (offset >= area.Offset && offset + width <= area.Offset + area.Size)
                return area.Pointer + (offset - area.Offset);
        }

        return null;
    }

    private void Check(uint offset, uint bytes, bool isWrite)
    {
        if (_isClosed || (ulong)offset + bytes > Size)
            throw new BusErrorException(Name, offset, isWrite);
    }

    private void ReadFile(uint offset, byte* to, uint bytes)
    {
        if (Libc.ReadAt(_device.File, to, bytes, (long)(_offset + offset)) != (nint)bytes)
            throw new BusErrorException(Name, offset, isWrite: false);
    }

    private void WriteFile(uint offset, byte* from, uint bytes)
    {
        if (Libc.WriteAt(_device.File, from, bytes, (long)(_offset + offset)) != (nint)bytes)
            throw new BusErrorException(Name, offset, isWrite: true);
    }

    private readonly struct Area(ulong offset, ulong size, byte* pointer)
    {
        public ulong Offset { get; } = offset;

        public ulong Size { get; } = size;

        public byte* Pointer { get; } = pointer;
    }
}
