using System.Runtime.CompilerServices;

namespace Aperture.Devices;

/// <summary>A block of a device's registers, as its driver reaches it: on a simulated board through the bus, on a host
/// through mapped memory. Accesses happen in program order, once, and with the width that the call says.</summary>
public abstract class RegisterRegion
{
    /// <summary>A region.</summary>
    /// <param name="name">The device's name and which of its regions it is, for messages.</param>
    /// <param name="size">Bytes.</param>
    protected RegisterRegion(string name, ulong size)
    {
        Name = name;
        Size = size;
    }

    /// <summary>The device's name and which of its regions it is.</summary>
    public string Name { get; }

    /// <summary>Bytes.</summary>
    public ulong Size { get; }

    /// <summary>Reads a 32-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered: the device is off, in reset or not there.</exception>
    public abstract uint Read32(uint offset);

    /// <summary>Writes a 32-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered: the device is off, in reset or not there.</exception>
    public abstract void Write32(uint offset, uint value);

    /// <summary>Reads a 64-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered, or the device takes no 64-bit access.</exception>
    public abstract ulong Read64(uint offset);

    /// <summary>Writes a 64-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered, or the device takes no 64-bit access.</exception>
    public abstract void Write64(uint offset, ulong value);

    /// <summary>Reads an 8-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered, or the region takes no accesses of this width: few do.</exception>
    public virtual byte Read8(uint offset) => throw Narrow(offset, false);

    /// <summary>Writes an 8-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered, or the region takes no accesses of this width: few do.</exception>
    public virtual void Write8(uint offset, byte value) => throw Narrow(offset, true);

    /// <summary>Reads a 16-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered, or the region takes no accesses of this width: few do.</exception>
    public virtual ushort Read16(uint offset) => throw Narrow(offset, false);

    /// <summary>Writes a 16-bit register at byte <paramref name="offset"/>.</summary>
    /// <exception cref="BusErrorException">Nothing answered, or the region takes no accesses of this width: few do.</exception>
    public virtual void Write16(uint offset, ushort value) => throw Narrow(offset, true);

    /// <summary>Replaces the bits of <paramref name="mask"/> by those of <paramref name="value"/>.</summary>
    /// <returns>The value written.</returns>
    public uint Update32(uint offset, uint mask, uint value)
    {
        var updated = (Read32(offset) & ~mask) | (value & mask);
        Write32(offset, updated);
        return updated;
    }

    /// <summary>Begins several accesses in a row, which cost less so than one by one; nothing else may be done meanwhile that could
    /// wait. Not nested: one sequence of a region, and of a simulated block, at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RegisterSequence Begin() => new(BeginSequence());

    /// <summary>Prepares for several accesses in a row.</summary>
    /// <returns>Where they go, and whose <see cref="EndSequence"/> is called in the end; the region itself where nothing is to be
    /// prepared.</returns>
    protected virtual RegisterRegion BeginSequence() => this;

    private BusErrorException Narrow(uint offset, bool isWrite) =>
        new(Name, offset, isWrite, "the region takes accesses of 32 and 64 bits only");

    /// <summary>Undoes what <see cref="BeginSequence"/> of the region that returned this one did.</summary>
    protected internal virtual void EndSequence()
    {
    }
}
