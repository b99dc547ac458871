using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Wiring;

/// <summary>A window of a simulated board's bus, as a driver reaches it.</summary>
public sealed class BusRegisterRegion : RegisterRegion
{
    private readonly SystemBus _bus;
    private readonly PhysicalAddress _start;
    private IMmioDevice? _block; // the block that decodes the whole window; null until it was found, and where there is none
    private TranslationUnit? _unit; // the same block, if it is an IOMMU: called once less than by its interface
    private HeldRegisters? _held;   // the same, for sequences of accesses
    private uint _blockOffset;   // where the window begins in it

    /// <summary>A window.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="start">The first byte.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="name">The device's name and which of its regions it is, for messages.</param>
    public BusRegisterRegion(SystemBus bus, PhysicalAddress start, ulong size, string name)
        : base(name, size)
    {
        ArgumentNullException.ThrowIfNull(bus);
        _bus = bus;
        _start = start;
    }

    /// <summary>The first byte.</summary>
    public PhysicalAddress Start => _start;

    /// <inheritdoc/>
    public override uint Read32(uint offset) => (uint)Read(offset, sizeof(uint));

    /// <inheritdoc/>
    public override void Write32(uint offset, uint value) => Write(offset, sizeof(uint), value);

    /// <inheritdoc/>
    public override ulong Read64(uint offset) => Read(offset, sizeof(ulong));

    /// <inheritdoc/>
    public override void Write64(uint offset, ulong value) => Write(offset, sizeof(ulong), value);

    /// <inheritdoc/>
    public override byte Read8(uint offset) => (byte)Read(offset, sizeof(byte));

    /// <inheritdoc/>
    public override void Write8(uint offset, byte value) => Write(offset, sizeof(byte), value);

    /// <inheritdoc/>
    public override ushort Read16(uint offset) => (ushort)Read(offset, sizeof(ushort));

    /// <inheritdoc/>
    public override void Write16(uint offset, ushort value) => Write(offset, sizeof(ushort), value);

    /// <inheritdoc/>
    protected override RegisterRegion BeginSequence()
    {
        if (_held is not { } held)
            return this;
        held.Hold();
        return held;
    }

    private ulong Read(uint offset, uint width)
    {
        ulong value = 0;
        var answered = IsInside(offset, width) && (_unit is { } unit
            ? unit.TryRead(offset + _blockOffset, (int)width, out value)
            : TryReadOther(offset, (int)width, out value));
        return answered ? value : throw NoAnswer(offset, isWrite: false);
    }

    private void Write(uint offset, uint width, ulong value)
    {
        var answered = IsInside(offset, width) && (_unit is { } unit
            ? unit.TryWrite(offset + _blockOffset, (int)width, value)
            : TryWriteOther(offset, (int)width, value));
        if (!answered)
            throw NoAnswer(offset, isWrite: true);
    }

    private bool TryReadOther(uint offset, int width, out ulong value) => (_block ?? FindBlock()) is { } block
        ? block.TryRead(offset + _blockOffset, width, out value)
        : _bus.TryReadRegister(_start + offset, width, out value);

    private bool TryWriteOther(uint offset, int width, ulong value) => (_block ?? FindBlock()) is { } block
        ? block.TryWrite(offset + _blockOffset, width, value)
        : _bus.TryWriteRegister(_start + offset, width, value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private BusErrorException NoAnswer(uint offset, bool isWrite) => new(Name, offset, isWrite);

    private bool IsInside(uint offset, uint width) => (ulong)offset + width <= Size && (offset & (width - 1)) == 0;

    /// <summary>The block that decodes the whole window. One that was found stays the right one: a block that leaves a bus takes its
    /// regions along.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private IMmioDevice? FindBlock()
    {
        if (!_bus.TryFindDevice(_start, out var block, out var offset) || offset + Size > block.Size)
            return null;
        _blockOffset = offset;
        if (block is TranslationUnit unit)
        {
            Volatile.Write(ref _unit, unit); // behind the offset: whoever finds it needs no lock
            Volatile.Write(ref _held, new HeldRegisters(unit, offset, Size, Name));
        }

        Volatile.Write(ref _block, block);
        return block;
    }
}
