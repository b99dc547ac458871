using System.Buffers.Binary;
using Aperture.Devices;

namespace Aperture.Linux.Pci;

/// <summary>Configuration space of an open PCI function, and what everybody needs of it. Offsets and bits: PCI Local Bus Specification
/// 3.0, section 6.2.</summary>
/// <remarks>A write that switches memory decoding off or puts the function into a low-power state waits for accesses to its BARs that are
/// under way on other threads; those that come later are refused (<see cref="BusErrorException"/>) until a write makes the function
/// answer again.</remarks>
public sealed class PciConfiguration
{
    private const uint CommandOffset = 4;
    private const ushort BusMaster = 1 << 2;

    private readonly ConfigurationRegisters _space;
    private readonly Lock _lock = new(); // held while the command register is read and written

    internal PciConfiguration(ConfigurationRegisters space) => _space = space;

    /// <summary>The whole space, 256 or 4096 bytes; the kernel hides or emulates some registers.</summary>
    public RegisterRegion Registers => _space;

    /// <summary>Who made the function.</summary>
    public ushort Vendor => Read16(0);

    /// <summary>What it is, by its maker's number.</summary>
    public ushort DeviceId => Read16(2);

    /// <summary>Whether the function may do DMA and send interrupt messages, as its driver has it: while an IOMMU failed it does
    /// neither.</summary>
    public bool IsBusMaster
    {
        get => (Read16(CommandOffset) & BusMaster) != 0;
        set
        {
            lock (_lock)
            {
                var command = Read16(CommandOffset);
                Write16(CommandOffset, (ushort)(value ? command | BusMaster : command & ~BusMaster));
            }
        }
    }

    /// <summary>Reads a 16-bit register.</summary>
    /// <param name="offset">Byte offset.</param>
    /// <exception cref="BusErrorException">It lies outside, or the function is gone.</exception>
    public ushort Read16(uint offset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        _space.Read(offset, bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    /// <summary>Writes a 16-bit register.</summary>
    /// <inheritdoc cref="Read16"/>
    public void Write16(uint offset, ushort value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        _space.Write(offset, bytes);
    }

    /// <summary>The switch between the function and memory.</summary>
    internal BusMastering Mastering => field ??= new FunctionMastering(_space);

    /// <summary>Lets the function answer accesses to its BARs.</summary>
    internal void EnableMemory() => _space.EnableMemory();
}
