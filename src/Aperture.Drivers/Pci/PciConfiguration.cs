using Aperture.Datasheets.Pci;
using Aperture.Devices;

namespace Aperture.Drivers.Pci;

/// <summary>Configuration space of a function, by register accesses to its host.</summary>
/// <remarks>Thread-safe but for what several accesses do together.</remarks>
public sealed class PciConfiguration
{
    private const int MostCapabilities = 48;         // of four bytes each behind the header; more is a circle
    private const int MostExtendedCapabilities = 960;

    private readonly RegisterRegion _host;
    private readonly uint _start; // of the function in the host's space
    private readonly bool _isVirtual;

    internal PciConfiguration(RegisterRegion host, byte firstBus, PciAddress address, bool isVirtual = false)
    {
        _host = host;
        _isVirtual = isVirtual;
        Address = address;
        _start = (uint)(address.Value - (firstBus << 8)) * PciRegisters.Size;
    }

    /// <summary>Where the function is.</summary>
    public PciAddress Address { get; }

    /// <summary>Whether it is there. A virtual function does not say who made it, but what class it is.</summary>
    public bool IsPresent => _isVirtual
        ? Read32(PciRegisters.Revision) != uint.MaxValue
        : Read16(PciRegisters.Vendor) != PciRegisters.NoVendor;

    /// <summary>Reads 8 bits.</summary>
    /// <param name="offset">Byte offset, below 4096.</param>
    /// <exception cref="BusErrorException">The host does not answer.</exception>
    public byte Read8(uint offset) => _host.Read8(At(offset));

    /// <summary>Reads 16 bits.</summary>
    /// <param name="offset">Byte offset, a multiple of 2 below 4096.</param>
    /// <exception cref="BusErrorException">The host does not answer.</exception>
    public ushort Read16(uint offset) => _host.Read16(At(offset));

    /// <summary>Reads 32 bits.</summary>
    /// <param name="offset">Byte offset, a multiple of 4 below 4096.</param>
    /// <exception cref="BusErrorException">The host does not answer.</exception>
    public uint Read32(uint offset) => _host.Read32(At(offset));

    /// <summary>Writes 8 bits.</summary>
    /// <inheritdoc cref="Read8"/>
    public void Write8(uint offset, byte value) => _host.Write8(At(offset), value);

    /// <summary>Writes 16 bits.</summary>
    /// <inheritdoc cref="Read16"/>
    public void Write16(uint offset, ushort value) => _host.Write16(At(offset), value);

    /// <summary>Writes 32 bits.</summary>
    /// <inheritdoc cref="Read32"/>
    public void Write32(uint offset, uint value) => _host.Write32(At(offset), value);

    /// <summary>Sets bits of a register of 16 bits, and clears others.</summary>
    /// <param name="offset">Byte offset, a multiple of 2 below 4096.</param>
    /// <param name="set">The bits to set.</param>
    /// <param name="clear">The bits to clear.</param>
    /// <exception cref="BusErrorException">The host does not answer.</exception>
    public void Update16(uint offset, ushort set, ushort clear = 0) => Write16(offset, (ushort)((Read16(offset) & ~clear) | set));

    /// <summary>Where a capability is.</summary>
    /// <returns>0 when there is none.</returns>
    public uint Find(CapabilityId id)
    {
        if (!IsPresent || ((PciStatus)Read16(PciRegisters.Status) & PciStatus.HasCapabilities) == 0)
            return 0;
        var at = Read8(PciRegisters.Capabilities) & ~3u;
        for (var i = 0; i < MostCapabilities && at >= PciRegisters.FirstCapability; i++)
        {
            if ((CapabilityId)Read8(at) == id)
                return at;
            at = Read8(at + 1) & ~3u;
        }

        return 0;
    }

    /// <summary>Where an extended capability is.</summary>
    /// <returns>0 when there is none.</returns>
    public uint Find(ExtendedCapabilityId id)
    {
        if (!IsPresent)
            return 0;
        var at = PciRegisters.FirstExtendedCapability;
        for (var i = 0; i < MostExtendedCapabilities && at >= PciRegisters.FirstExtendedCapability; i++)
        {
            var header = new ExtendedCapabilityHeader(Read32(at));
            if (header.Value is 0 or uint.MaxValue)
                return 0;
            if (header.Id == id)
                return at;
            at = header.Next;
        }

        return 0;
    }

    private uint At(uint offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, (uint)PciRegisters.Size);
        return _start + offset;
    }
}
