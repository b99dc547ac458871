namespace Aperture.Hardware.Pci;

/// <summary>A capability of a function that does something when software writes to it.</summary>
internal abstract class PciCapability(uint offset, int length)
{
    /// <summary>Where it is in configuration space.</summary>
    public uint Offset { get; } = offset;

    /// <summary>Whether an access touches it.</summary>
    public bool Touches(uint at, int width) => at < Offset + (uint)length && at + (uint)width > Offset;

    /// <summary>Before software reads: registers that follow something else.</summary>
    public virtual void BeforeRead()
    {
    }

    /// <summary>After software wrote.</summary>
    /// <param name="write">What was written.</param>
    /// <returns>What has to follow.</returns>
    public abstract ConfigurationEffects AfterWrite(in ConfigurationWrite write);

    /// <summary>The function was reset: its registers hold what they do then.</summary>
    public virtual void Reset()
    {
    }
}

/// <summary>A write of software to configuration space.</summary>
/// <param name="Offset">Byte offset.</param>
/// <param name="Width">1, 2 or 4 bytes.</param>
/// <param name="Value">The bytes.</param>
internal readonly record struct ConfigurationWrite(uint Offset, int Width, ulong Value)
{
    /// <summary>Whether a bit of a register of 16 bits was written as a one.</summary>
    public bool Has(uint register, ushort bit) =>
        Has(register, (byte)bit) || Has(register + 1, (byte)(bit >> 8));

    private bool Has(uint at, byte bit) =>
        bit != 0 && at >= Offset && at < Offset + (uint)Width && ((Value >> (int)(8 * (at - Offset))) & bit) != 0;
}

/// <summary>What follows a write to configuration space.</summary>
[Flags]
internal enum ConfigurationEffects
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Who answers where and who gets to memory has to be found out again.</summary>
    Routes = 1,

    /// <summary>The function is reset.</summary>
    Reset = 2,

    /// <summary>Everything behind the bridge is reset.</summary>
    SecondaryReset = 4,
}
