using Aperture.VfioUser.Qemu;

namespace Aperture.ModelGuests;

/// <summary>A machine of the emulator, and the kernel for it.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Kernel">The folder of the kernel's packages in the cache.</param>
/// <param name="Architecture">What Debian calls the processor.</param>
internal sealed record Board(QemuMachine Machine, string Kernel, string Architecture)
{
    public const int MemoryMiB = 512;

    public static Board Arm64 { get; } = new(QemuMachine.VirtArm64, "linux-arm64-6.12", "arm64");

    public static Board Arm { get; } = new(QemuMachine.VirtArm, "linux-armhf-7", "armhf");
}
