using Aperture.Hardware.Translation;
using Aperture.Hardware.Virtio;
using Aperture.VfioUser;
using Aperture.VfioUser.Qemu;

namespace Aperture.Tool.Serve;

/// <summary>A block of the guest's board, and the function that carries it.</summary>
/// <param name="Function">The function.</param>
/// <param name="Socket">Its socket.</param>
/// <param name="Slot">Its slot.</param>
/// <param name="Places">Where its BARs go.</param>
/// <param name="Unit">The unit, if it is one.</param>
/// <param name="Disk">The disk, if it is one.</param>
internal sealed record ServedFunction(
    PciFunction Function, string Socket, int Slot, IReadOnlyList<QemuPlacement> Places, TranslationUnit? Unit, VirtioDisk? Disk);
