using System.Globalization;

namespace Aperture.VfioUser.Qemu;

/// <summary>A machine of QEMU, as far as blocks at fixed addresses need it. Recorded of QEMU 11.1.</summary>
/// <param name="Program">QEMU's program.</param>
/// <param name="Arguments">The machine and its processor.</param>
/// <param name="Configuration">Where PCI configuration space is.</param>
/// <param name="FirstAddress">The first address that a BAR may have.</param>
/// <param name="LastAddress">The last byte that a BAR may have.</param>
public sealed record QemuMachine(
    string Program, IReadOnlyList<string> Arguments, ulong Configuration, uint FirstAddress, uint LastAddress)
{
    /// <summary>The first shared interrupt of the four that PCI's slots have.</summary>
    public const int FirstInterrupt = 3;

    /// <summary>The 64-bit Arm machine "virt".</summary>
    public static QemuMachine VirtArm64 { get; } = new(
        "qemu-system-aarch64", ["-M", "virt,gic-version=2,memory-backend=ram", "-cpu", "cortex-a57"], 0x40_1000_0000, 0x1000_0000,
        0x3EFE_FFFF);

    /// <summary>The 32-bit Arm machine "virt".</summary>
    public static QemuMachine VirtArm { get; } = new(
        "qemu-system-arm", ["-M", "virt,highmem=off,gic-version=2,memory-backend=ram", "-cpu", "cortex-a15"], 0x3F00_0000, 0x1000_0000,
        0x3EFE_FFFF);

    /// <summary>The argument that gives QEMU a function that is served.</summary>
    /// <param name="socket">The socket's path.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="function">The function in it.</param>
    /// <remarks>Writes are not posted: those to two functions would overtake each other. A server that stands still is waited for, 5
    /// minutes.</remarks>
    public static string Device(string socket, int slot, int function) =>
        string.Create(CultureInfo.InvariantCulture,
            $"{{\"driver\":\"vfio-user-pci\",\"socket\":{{\"type\":\"unix\",\"path\":\"{socket}\"}},\"bus\":\"pcie.0\",")
        + string.Create(CultureInfo.InvariantCulture,
            $"\"addr\":\"{slot:x}.{function}\",\"x-no-posted-writes\":true,\"x-msg-timeout\":300000}}");

    /// <summary>Memory that the functions reach.</summary>
    /// <param name="megabytes">How much.</param>
    public static IReadOnlyList<string> Memory(int megabytes) =>
        ["-m", $"{megabytes}M", "-object", $"memory-backend-memfd,id=ram,size={megabytes}M,share=on"];
}
