namespace Aperture.Datasheets.Tegra;

/// <summary>A hot reset of the memory controller: it holds the clients of a block back and waits until none of their accesses is under
/// way.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its number in the device tree.</param>
/// <param name="Bank">0 for <see cref="TegraMcRegister.HotResetControl"/>, 1 for <see cref="TegraMcRegister.HotResetControl1"/>.</param>
/// <param name="Bit">Number of its bit in the control and status registers.</param>
/// <param name="Swgroup">Number of the swgroup whose clients it holds back; 0 where no client is known. The mapping is inferred from the
/// names.</param>
public readonly record struct TegraHotReset(string Name, uint Id, int Bank, int Bit, uint Swgroup)
{
    /// <summary>Its bit as a mask.</summary>
    public uint Mask => 1u << Bit;
}
