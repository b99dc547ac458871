using System.CommandLine;
using Aperture.Core;
using Aperture.Linux.Hosts;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Host;

/// <summary>The command <c>aperture host</c>: devices of this machine.</summary>
internal static class HostCommand
{
    /// <summary>The command. Exit code 0: done; 1: something is in the way, or did not hold; 2: bad input.</summary>
    public static Command Create()
    {
        var device = new Argument<string>("ADDRESS")
        {
            Description = "A PCI address as in 'aperture host list', for example 0000:00:04.0.",
        };
        var devices = new Argument<string[]>("ADDRESS")
        {
            Description = "PCI addresses as in 'aperture host list', for example 0000:00:04.0.",
            Arity = ArgumentArity.OneOrMore,
        };
        var some = new Argument<string[]>("ADDRESS") { Description = "Only these.", Arity = ArgumentArity.ZeroOrMore };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var dry = new Option<bool>("--dry-run") { Description = "Say what would be done and what is in the way, and do nothing." };

        var noIommu = new Option<bool>("--unsafe-no-iommu")
        {
            Description = "Also take a device that no IOMMU is in front of. NOTHING CONFINES IT: it can read and overwrite all memory of " +
                "this machine.",
        };

        var list = new Command(
            "list",
            "List PCI devices: driver, IOMMU group, kind of IOMMU, the kernel's domain (DMA: strict; DMA-FQ: lazy; identity), who uses " +
            "them; with addresses also what is in the way of using those.")
        {
            some, json,
        };
        list.SetAction(result => Guard(() => HostList.Run(
            new LinuxHost(), result.GetValue(some) ?? [], result.GetValue(json), Console.Out)));
        var bind = new Command(
            "bind",
            "Take devices from their kernel drivers and hand them to vfio-pci, all or none. A device that is in use, by whomever, is " +
            "refused. Exit code 1: refused, or bound and something is still in the way of using it.")
        {
            devices, dry, noIommu,
        };
        bind.SetAction(result => Guard(() => HostBinding.Bind(
            new LinuxHost(), result.GetRequiredValue(devices), result.GetValue(dry), result.GetValue(noIommu), Console.Out)));
        var unbind = new Command("unbind", "Give devices back to the kernel drivers that they had.") { devices, dry };
        unbind.SetAction(result => Guard(() => HostBinding.Unbind(
            new LinuxHost(), result.GetRequiredValue(devices), result.GetValue(dry), Console.Out)));
        var recover = new Command("recover", "Give back every device that was taken and never given back, as after a crash.") { dry };
        recover.SetAction(result => Guard(() => HostBinding.Recover(new LinuxHost(), result.GetValue(dry), Console.Out)));
        var test = new Command(
            "selftest",
            "Take a device, map and unmap memory for it, let it do DMA where a driver for it is known, see that it is confined, and give " +
            "it back.")
        {
            device, dry, noIommu,
        };
        test.SetAction(result => Guard(() => HostSelfTest.Run(
            new LinuxHost(), result.GetRequiredValue(device), result.GetValue(dry), result.GetValue(noIommu), Console.Out)));
        return new Command(
            "host",
            "Devices of this machine behind its IOMMU, by VFIO.\n\nExamples:\n  aperture host list\n  aperture host bind 0000:00:04.0\n" +
            "  aperture host selftest 0000:00:04.0 --dry-run")
        {
            list, bind, unbind, recover, test,
        };
    }

    /// <summary>What the host refuses is no bad input.</summary>
    public static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (ApertureException e) when (e.Status != Status.NoDevice)
        {
            Console.Error.WriteLine($"aperture: {e.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
    }
}
