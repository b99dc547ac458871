using Aperture.Core;
using Aperture.Dma;
using Aperture.Linux.Hosts;
using Aperture.Linux.Pci;

namespace Aperture.GuestTests;

/// <summary>A guest without an IOMMU. Debian builds its kernels without the no-IOMMU mode; what it does is seen on one of your own (<c>boot
/// -k FILE</c>).</summary>
internal static class NoIommuTests
{
    private const string Mode = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

    public static void Nobody_gets_a_device_who_does_not_ask(Guest guest)
    {
        var edu = guest.Edus[0];
        Check.Equal(IommuKind.None, guest.Kind);
        Check.That(guest.Host.Explain(edu).Any(problem => problem is { Code: HostProblemCode.NoIommu, IsFatal: true }));
        Check.Refused(Status.NotPermitted, () => guest.Host.Bind(edu), $"no IOMMU is in front of {edu}", "intel_iommu=on");
        using var machine = Guest.Machine();
        Check.Refused(Status.NoDevice, () => machine.Open(edu), $"no IOMMU is in front of {edu}");
        Check.Equal(0, guest.Host.Taken.Count);
    }

    public static void A_kernel_without_the_mode_says_so(Guest guest)
    {
        if (File.Exists(Mode))
            return;
        Check.Refused(Status.NotPermitted, () => guest.Host.Bind(guest.Edus[0], unsafeNoIommu: true),
            "this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)");
        Command.Expect(1, ["host", "selftest", guest.Edus[0], "--unsafe-no-iommu"],
            "this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)");
        Check.Equal<string?>(null, guest.Host.Find(guest.Edus[0]).Driver);
    }

    public static void The_mode_has_to_be_switched_on(Guest guest)
    {
        if (!File.Exists(Mode))
            return;
        Check.Refused(Status.NotPermitted, () => guest.Host.Bind(guest.Edus[0], unsafeNoIommu: true), $"echo 1 > {Mode}");
        Check.Equal<string?>(null, guest.Host.Find(guest.Edus[0]).Driver);
    }

    public static void Who_asks_gets_all_but_dma(Guest guest)
    {
        if (!File.Exists(Mode))
            return;
        File.WriteAllText(Mode, "Y");
        var address = guest.Edus[0];
        guest.Host.Bind(address, unsafeNoIommu: true);
        Check.That(guest.Host.Find(address).IsNoIommu);
        using (var machine = Guest.Machine())
            Check.Refused(Status.NotPermitted, () => machine.Open(address), "HostDeviceOptions.UnsafeNoIommu");
        using (var machine = Guest.Machine())
        {
            var edu = guest.Open(machine, new HostDeviceOptions { UnsafeNoIommu = true });
            Check.Equal(InterruptKind.Msi, machine.Devices[0].Interrupts);
            Check.Equal(0x1234, machine.Devices[0].Configuration.Vendor);
            Check.Equal(120u, edu.Factorial(5));
            edu.RaiseInterrupt(2);
            Check.Refused(Status.NoDevice, () => edu.Device.Dma.Allocate(4096), "has no IOMMU", "physical one");
            Check.Refused(Status.NoDevice, () => edu.Device.Dma.Map(machine.Memory.Allocate(4096), DmaDirection.ToDevice), "has no IOMMU");
            Check.Refused(Status.Busy, () => guest.Host.Unbind(address), $"process {Environment.ProcessId} has /dev/vfio/noiommu-");
        }

        guest.Host.Unbind(address);
        Check.Equal<int?>(null, guest.Host.Find(address).Group);
        OtherThread.Run(() =>
        {
            guest.Host.Bind(address, unsafeNoIommu: true);
            OtherThread.DropCapability(OtherThread.RawIo);
            using var machine = Guest.Machine();
            Check.Refused(Status.NotPermitted, () => guest.Open(machine, new HostDeviceOptions { UnsafeNoIommu = true }), "CAP_SYS_RAWIO");
        });
    }

    public static void The_selftest_says_what_it_cannot_test(Guest guest)
    {
        if (!File.Exists(Mode))
            return;
        guest.Host.Recover();
        var warning = $"WARNING: no IOMMU is in front of {guest.Edus[0]}: nothing keeps it from reading and overwriting all memory";
        Command.Expect(1, ["host", "selftest", guest.Edus[0]], "intel_iommu=on");
        Command.Expect(0, ["host", "selftest", guest.Edus[0], "--unsafe-no-iommu"], warning, "ok: a map is refused", "ok: an interrupt",
            "skipped: DMA and confinement; there is no IOMMU", "given back to no driver");
        Command.Expect(0, ["host", "bind", guest.Edus[0], "--unsafe-no-iommu"], "no driver -> vfio-pci, group", warning);
        Command.Expect(0, ["host", "list"], "no-IOMMU", warning);
        Command.Expect(1, ["host", "list", guest.Edus[0]], "in the way: no IOMMU");
    }
}
