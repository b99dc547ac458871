namespace Aperture.VfioUser.Qemu;

/// <summary>A BAR and its address.</summary>
/// <param name="Slot">The slot on bus 0.</param>
/// <param name="Function">The function in it.</param>
/// <param name="Bar">The BAR.</param>
/// <param name="Address">Where it goes.</param>
public sealed record QemuPlacement(int Slot, int Function, int Bar, uint Address);
