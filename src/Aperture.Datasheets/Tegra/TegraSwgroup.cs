namespace Aperture.Datasheets.Tegra;

/// <summary>A swgroup: clients of the memory controller that are translated alike.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its number in the device tree.</param>
/// <param name="AsidRegister">Byte offset of the register that holds its address-space number, see <see cref="TegraSwgroupAsid"/>.</param>
public readonly record struct TegraSwgroup(string Name, uint Id, uint AsidRegister);
