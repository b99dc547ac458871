namespace Aperture.ModelGuests;

/// <summary>A machine of the emulator, and the kernel for it.</summary>
/// <param name="Emulator">The emulator's program.</param>
/// <param name="Machine">The machine.</param>
/// <param name="Processor">Its processor.</param>
/// <param name="Configuration">Where PCI configuration space is.</param>
/// <param name="Kernel">The folder of the kernel's packages in the cache.</param>
/// <param name="Architecture">What Debian calls the processor.</param>
internal sealed record Board(
    string Emulator, string Machine, string Processor, ulong Configuration, string Kernel, string Architecture)
{
    public const ulong MemoryStart = 0x4000_0000;
    public const ulong MemorySize = 512UL << 20;

    public static Board Arm64 { get; } =
        new("qemu-system-aarch64", "virt,gic-version=2", "cortex-a57", 0x40_1000_0000, "linux-arm64-6.12", "arm64");

    public static Board Arm { get; } =
        new("qemu-system-arm", "virt,highmem=off,gic-version=2", "cortex-a15", 0x3F00_0000, "linux-armhf-7", "armhf");
}
