using System.Runtime.CompilerServices;

namespace Aperture.Devices;

/// <summary>Several register accesses in a row (<see cref="RegisterRegion.Begin"/>). On a simulated board nothing else reaches the block
/// until <see cref="Dispose"/>, and what the accesses cause elsewhere, such as the end of a device's accesses, is waited for
/// there.</summary>
public readonly ref struct RegisterSequence
{
    private readonly RegisterRegion _registers;

    /// <summary>A sequence that has begun.</summary>
    /// <param name="registers">Where the accesses go; its <see cref="RegisterRegion.EndSequence"/> ends the sequence.</param>
    internal RegisterSequence(RegisterRegion registers) => _registers = registers;

    /// <inheritdoc cref="RegisterRegion.Read32"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Read32(uint offset) => _registers.Read32(offset);

    /// <inheritdoc cref="RegisterRegion.Write32"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write32(uint offset, uint value) => _registers.Write32(offset, value);

    /// <inheritdoc cref="RegisterRegion.Update32"/>
    public uint Update32(uint offset, uint mask, uint value) => _registers.Update32(offset, mask, value);

    /// <summary>Ends the sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose() => _registers.EndSequence();
}
