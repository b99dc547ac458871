using Aperture.VfioUser.Qemu;

namespace Aperture.Tool.Serve;

/// <summary>How QEMU is started.</summary>
internal static class ServeRecipe
{
    /// <summary>What is served, and the command line.</summary>
    public static IEnumerable<string> Lines(ServedBoard board, ServeOptions options)
    {
        foreach (var served in board.Functions)
        {
            var places = string.Join(", ", served.Places.Select(place => $"0x{place.Address:x}"));
            yield return $"{served.Function.Name}: {(served.Unit ?? (object)served.Disk!).GetType().Name} at {places}";
        }

        yield return "";
        yield return "Start QEMU 11 or later with these arguments, and a kernel and its first file system in the places of the two names:";
        yield return "";
        var machine = board.Machine;
        var memory = string.Join(' ', QemuMachine.Memory(options.MemoryMiB));
        yield return $"{machine.Program} {string.Join(' ', machine.Arguments)} {memory} \\";
        foreach (var served in board.Functions)
            yield return $"  -device '{QemuMachine.Device(served.Socket, served.Slot, served.Places[0].Function)}' \\";
        yield return $"  {string.Join(' ', board.Starter!.Arguments)} \\";
        yield return $"  -dtb {Path.GetFullPath(options.Tree)} -kernel KERNEL -initrd INITRD \\";
        yield return "  -append 'console=ttyAMA0' -nodefaults -display none -serial stdio";
        yield return "";
    }
}
