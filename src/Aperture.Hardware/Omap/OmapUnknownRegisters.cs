namespace Aperture.Hardware.Omap;

/// <summary>How an <see cref="OmapMmu"/> answers at offsets of its window where its generation has no register.</summary>
public enum OmapUnknownRegisters
{
    /// <summary>Reads give zero, writes are ignored.</summary>
    ReadZero,

    /// <summary>Each holds what was last written: the behaviour of recording stubs.</summary>
    Storage,

    /// <summary>A bus error.</summary>
    BusError,
}
