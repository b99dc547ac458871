using System.Diagnostics;
using Aperture.Core;
using Aperture.Linux.Hosts;

namespace Aperture.GuestTests;

/// <summary>Taking devices from the kernel's drivers and giving them back.</summary>
internal static class BindingTests
{
    private const string Disk = "/dev/nvme0n1";

    public static void A_disk_goes_to_vfio_and_back_to_its_driver(Guest guest)
    {
        guest.Host.Recover();
        Check.Equal("nvme", guest.Host.Find(guest.Nvme).Driver);
        Wait(() => File.Exists(Disk));
        Check.Equal("nvme", guest.Host.Bind(guest.Nvme));
        Check.That(guest.Host.Find(guest.Nvme).IsVfio && !File.Exists(Disk));
        Check.Equal("nvme", guest.Host.Unbind(guest.Nvme));
        Wait(() => File.Exists(Disk));
        Check.Equal<string?>(null, guest.Host.Find(guest.Nvme).Override);
        guest.BindEdus();
    }

    public static void A_disk_in_use_is_not_taken(Guest guest)
    {
        guest.Host.Recover();
        Wait(() => File.Exists(Disk));
        Run("mkswap", Disk);
        Run("swapon", Disk);
        Check.Refused(Status.Busy, () => guest.Host.Bind(guest.Nvme), "the system swaps to nvme0n1");
        Check.Equal("nvme", guest.Host.Find(guest.Nvme).Driver);
        Run("swapoff", Disk);
        Check.That(guest.Host.Explain(guest.Nvme).All(problem => problem.Code != HostProblemCode.InUse));
        guest.BindEdus();
    }

    public static void A_bridge_is_not_taken(Guest guest)
    {
        var bridge = guest.Host.Functions.First(function => function.IsBridge);
        Check.Refused(Status.NotPermitted, () => guest.Host.Bind(bridge.Address), $"{bridge.Address} is a bridge", "behind it");
        Check.Equal(bridge, guest.Host.Find(bridge.Address));
    }

    public static void A_group_is_not_used_while_the_kernel_has_one_of_its_devices(Guest guest)
    {
        guest.Host.Recover();
        guest.Host.Bind(guest.Neighbour);
        using (var machine = Guest.Machine())
            Check.Refused(Status.NotPermitted, () => machine.Open(guest.Neighbour), "not viable");
        var problem = guest.Host.Explain(guest.Neighbour).Single(problem => problem.Code == HostProblemCode.GroupNotViable);
        Check.That(problem.Message.Contains($"{guest.Nvme} (nvme)", StringComparison.Ordinal), problem.ToString());
        guest.BindSlot();
        Check.Equal(0, guest.Host.Explain(guest.Neighbour).Count(problem => problem.IsFatal));
        using (var machine = Guest.Machine())
        {
            machine.Open(guest.Neighbour);
            machine.Open(guest.Nvme); // two devices of one group
            Check.Equal(1, machine.Iommu.Units.Count);
        }

        guest.BindEdus();
    }

    public static void A_device_that_is_open_is_not_given_back(Guest guest)
    {
        using (var machine = Guest.Machine())
        {
            guest.Open(machine);
            Check.Refused(Status.Busy, () => guest.Host.Unbind(guest.Edus[0]), $"process {Environment.ProcessId}");
        }

        Check.Equal<string?>(null, guest.Host.Unbind(guest.Edus[0]));
        guest.Host.Bind(guest.Edus[0]);
    }

    public static void A_device_that_is_not_bound_cannot_be_opened(Guest guest)
    {
        guest.Host.Unbind(guest.Edus[0]);
        using (var machine = Guest.Machine())
            Check.Refused(Status.NotFound, () => guest.Open(machine), "aperture host bind");
        guest.Host.Bind(guest.Edus[0]);
        using (var machine = Guest.Machine())
            guest.Open(machine);
    }

    public static void Who_is_not_root_does_dma_with_the_groups_file_and_a_limit(Guest guest)
    {
        var file = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/dev/vfio/{guest.Host.GroupOf(guest.Edus[0])}");
        var before = File.GetUnixFileMode(file);
        File.SetUnixFileMode(file, before | UnixFileMode.GroupRead | UnixFileMode.GroupWrite); // the thread is still in the group root
        OtherThread.Run(() =>
        {
            OtherThread.BecomeUser(1000);
            OtherThread.DropCapability(OtherThread.LockMemory);
            using var machine = Guest.Machine();
            var edu = guest.Open(machine);
            using var buffer = edu.Device.Dma.Allocate(4096);
            buffer.Span[..64].Fill(0x3C);
            edu.Load(buffer.Address, 0, 64);
            edu.Store(0, buffer.Address + 2048, 64);
            Check.That(!buffer.Span.Slice(2048, 64).ContainsAnyExcept((byte)0x3C));
        });
        File.SetUnixFileMode(file, before);
    }

    private static void Run(string program, string argument)
    {
        using var process = Process.Start(program, argument);
        process.WaitForExit();
        Check.Equal(0, process.ExitCode, $"exit code of {program} {argument}");
    }

    private static void Wait(Func<bool> holds) => Check.That(SpinWait.SpinUntil(holds, TimeSpan.FromSeconds(30)));
}
