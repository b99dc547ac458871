using System.Runtime.CompilerServices;
using Aperture.Devices;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Wiring;

/// <summary>The registers of a unit while the calling thread holds it for a sequence of accesses.</summary>
/// <param name="unit">The unit.</param>
/// <param name="start">Where the region begins in its registers.</param>
/// <param name="size">Bytes of the region.</param>
/// <param name="name">The region's name, for messages.</param>
internal sealed class HeldRegisters(TranslationUnit unit, uint start, ulong size, string name) : RegisterRegion(name, size)
{
    /// <summary>Takes the unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hold() => unit.BeginRegisters();

    /// <inheritdoc/>
    public override uint Read32(uint offset) => (uint)Read(offset, sizeof(uint));

    /// <inheritdoc/>
    public override void Write32(uint offset, uint value) => Write(offset, sizeof(uint), value);

    /// <inheritdoc/>
    public override ulong Read64(uint offset) => Read(offset, sizeof(ulong));

    /// <inheritdoc/>
    public override void Write64(uint offset, ulong value) => Write(offset, sizeof(ulong), value);

    /// <inheritdoc/>
    protected override void EndSequence() => unit.EndRegisters();

    private ulong Read(uint offset, uint width) => IsInside(offset, width) && unit.TryReadHeld(offset + start, (int)width, out var value)
        ? value
        : throw NoAnswer(offset, isWrite: false);

    private void Write(uint offset, uint width, ulong value)
    {
        if (!IsInside(offset, width) || !unit.TryWriteHeld(offset + start, (int)width, value))
            throw NoAnswer(offset, isWrite: true);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private BusErrorException NoAnswer(uint offset, bool isWrite) => new(Name, offset, isWrite);

    private bool IsInside(uint offset, uint width) => (ulong)offset + width <= Size && (offset & (width - 1)) == 0;
}
