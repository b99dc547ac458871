using System.Globalization;
using Aperture.Linux.Hosts.Uses;
using Aperture.Linux.Memory;
using Aperture.Linux.Native;

namespace Aperture.Linux.Hosts;

// What is in the way.
public sealed partial class LinuxHost
{
    private const ulong LowLimit = 64 << 20; // less locked memory than that is soon too little

    /// <summary>What is in the way of using a function, the fatal first. A function that is in use by a kernel driver for something, or
    /// by another process, must not be taken away.</summary>
    /// <param name="address">The function.</param>
    /// <param name="unsafeNoIommu">Whether it may be used without an IOMMU, as for <see cref="Bind(string, bool)"/>.</param>
    /// <exception cref="Core.ApertureException">There is no such function.</exception>
    public IReadOnlyList<HostProblem> Explain(string address, bool unsafeNoIommu = false)
    {
        return Explain(Find(address), unsafeNoIommu, new DeviceUse(_files));
    }

    /// <summary>Who uses a function, in words; null when nobody seems to.</summary>
    public string? UseOf(string address) => new DeviceUse(_files).Find(Find(address));

    /// <summary>All there is to say of functions, by one look at the processes and mounts of the host.</summary>
    /// <param name="addresses">Which; none for all.</param>
    /// <exception cref="Core.ApertureException">There is no such function.</exception>
    public IReadOnlyList<FunctionReport> Report(IReadOnlyList<string> addresses)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        var use = new DeviceUse(_files);
        var functions = addresses.Count == 0 ? Functions : [.. addresses.Select(Find)];
        return
        [
            .. functions.Select(function => new FunctionReport(
                function, use.Find(function), Explain(function, false, use), function.Group is { } group ? ReportOf(group) : null)),
        ];
    }

    private IReadOnlyList<HostProblem> Explain(PciFunction function, bool unsafeNoIommu, DeviceUse use) =>
        [.. ForBinding(function, unsafeNoIommu, use).Concat(ForOpening(function)).OrderBy(problem => !problem.IsFatal)];

    /// <summary>A kernel whose IOMMU driver came late puts devices without a driver into groups when they get one.</summary>
    private HostProblem NoIommu(PciFunction function) => _files.List("sys/class/iommu").Any()
        ? new HostProblem(
            HostProblemCode.NoIommu,
            $"{function.Address} is in no IOMMU group",
            "binding it may bring it into one; if not, no IOMMU is in front of it",
            IsFatal: false)
        : new HostProblem(
            HostProblemCode.NoIommu,
            $"no IOMMU is in front of {function.Address}",
            "switch it on in the firmware (VT-d, AMD-Vi, SMMU); boot without intel_iommu=off or amd_iommu=off if /proc/cmdline has them, " +
            "and with intel_iommu=on where the kernel does not use it by itself (dmesg | grep -e DMAR -e AMD-Vi)");

    private static HostProblem NotAskedFor(PciFunction function) => new(
        HostProblemCode.NoIommuMode,
        NoIommuMode.RiskOf(function.Address),
        "use a device behind an IOMMU; or, for a device and a driver that you trust with everything, ask for it " +
        "(--unsafe-no-iommu, UnsafeNoIommu)");

    /// <summary>What the kernel's no-IOMMU mode lacks, and what using it means.</summary>
    private IEnumerable<HostProblem> ForNoIommu(PciFunction function)
    {
        if (!function.IsNoIommu && _files.Exists("sys/module/vfio") && !_files.Exists(NoIommuMode.Parameter))
        {
            yield return new HostProblem(
                HostProblemCode.NoIommuMode,
                $"no IOMMU is in front of {function.Address}, and this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)",
                "boot a kernel that has it, or use a device behind an IOMMU");
        }

        if (!function.IsNoIommu && _files.Read(NoIommuMode.Parameter) == "N")
        {
            yield return new HostProblem(
                HostProblemCode.NoIommuMode,
                $"no IOMMU is in front of {function.Address}, and the kernel's no-IOMMU mode is off",
                $"echo 1 > /{NoIommuMode.Parameter}");
        }

        yield return new HostProblem(
            HostProblemCode.NoIommuMode,
            NoIommuMode.RiskOf(function.Address),
            "trust the device and its driver with everything, or use one behind an IOMMU",
            IsFatal: false);
    }

    private IEnumerable<HostProblem> ForBinding(PciFunction function, bool unsafeNoIommu, DeviceUse seen)
    {
        if (function.Iommu == IommuKind.None && unsafeNoIommu)
        {
            foreach (var problem in ForNoIommu(function))
                yield return problem;
        }
        else if (function.Iommu == IommuKind.None)
        {
            yield return function.IsNoIommu ? NotAskedFor(function) : NoIommu(function);
        }

        if (!_files.Exists($"sys/bus/pci/drivers/{VfioDriver}"))
            yield return Missing(VfioDriver);
        if (!_files.Exists("sys/module/vfio_iommu_type1") && !(function.Iommu == IommuKind.None && unsafeNoIommu))
            yield return Missing("vfio_iommu_type1");
        if (function.IsBridge)
        {
            yield return new HostProblem(
                HostProblemCode.NotAnEndpoint, $"{function.Address} is a bridge", "use a device behind it; bridges stay with the kernel");
        }

        var functions = $"{DevicesPath}/{function.Address}/sriov_numvfs";
        if (_files.ReadNumber(functions) is > 0 and var count)
        {
            yield return new HostProblem(
                HostProblemCode.NotAnEndpoint,
                $"{function.Address} has {count} virtual functions",
                $"switch them off (echo 0 > /{functions})");
        }

        if (seen.Find(function) is { } use)
            yield return new HostProblem(HostProblemCode.InUse, $"{function.Address} is in use: {use}", "end that use first");
    }

    private IEnumerable<HostProblem> ForOpening(PciFunction function)
    {
        if (function.Group is not { } group)
            yield break;
        var others = FunctionsOf(group).Where(other => other.Address != function.Address && !IsHarmless(other)).ToArray();
        if (others.Length > 0)
        {
            var names = string.Join(", ", others.Select(other => $"{other.Address} ({other.Driver})"));
            yield return new HostProblem(
                HostProblemCode.GroupNotViable,
                $"group {group} is not viable: kernel drivers hold {names}",
                $"take them, too: aperture host bind {string.Join(' ', others.Select(other => other.Address))}");
        }

        var file = NoIommuMode.GroupFile(group, function.IsNoIommu);
        if (function.IsVfio && Libc.Access(_files.PathOf(file), ReadAndWrite) < 0)
            yield return new HostProblem(HostProblemCode.NoPermission, $"/{file} cannot be opened by this user", $"chown $USER /{file}");
        if (IsLimited() && LockedMemory.Limit is { } limit and < LowLimit)
        {
            yield return new HostProblem(
                HostProblemCode.MemoryLimit,
                $"the limit on locked memory is {limit >> 10} KiB: no more than that can be mapped",
                "raise it (ulimit -l unlimited, or LimitMEMLOCK= of a systemd unit)",
                IsFatal: false);
        }

        if (MayForgeInterrupts(function))
        {
            yield return new HostProblem(
                HostProblemCode.UnsafeInterrupts,
                "interrupt messages do not seem to be isolated, and the kernel then refuses the group",
                $"{RemappingHint(function.Iommu)}; or, for a device that you trust, " +
                "echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
                IsFatal: false);
        }
    }

    private static HostProblem Missing(string module) =>
        new(HostProblemCode.ModuleMissing, $"the kernel module {module} is not loaded", $"modprobe {module}");

    /// <summary>Where to look for the reason: each kernel driver says in its log whether it remaps interrupts.</summary>
    private static string RemappingHint(IommuKind kind) => kind switch
    {
        IommuKind.Intel => "switch interrupt remapping on in the firmware, and boot without intremap=off " +
            "(dmesg | grep -e DMAR -e 'IRQ remapping' says what the kernel did)",
        IommuKind.Amd => "switch interrupt remapping on in the firmware, and boot without intremap=off (dmesg | grep AMD-Vi says " +
            "'Interrupt remapping enabled', or what about the firmware's tables made the kernel disable it)",
        IommuKind.Virtio => "a virtio-iommu remaps no interrupts: give the virtual machine another IOMMU",
        _ => "switch interrupt remapping on",
    };

    private const int ReadAndWrite = 4 | 2; // R_OK and W_OK of access(2)

    /// <summary>Whether the kernel lets a group be used although this function has its driver.</summary>
    private static bool IsHarmless(PciFunction function) =>
        function.Driver is null or "pci-stub" or "pcieport" || function.Driver.StartsWith("vfio", StringComparison.Ordinal);

    /// <summary>Whether the limit on locked memory counts for this process: not with CAP_IPC_LOCK, bit 14.</summary>
    private bool IsLimited()
    {
        var lines = (_files.Read("proc/self/status") ?? "").Split('\n');
        return lines.FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal)) is not { } line
            || !ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var capabilities)
            || (capabilities & (1 << 14)) == 0;
    }

    /// <summary>On PCs the names of interrupt controllers begin with IR while interrupts are remapped.</summary>
    private bool MayForgeInterrupts(PciFunction function) =>
        function.Iommu is IommuKind.Intel or IommuKind.Amd or IommuKind.Virtio
        && _files.Read("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts") == "N"
        && _files.Read("proc/interrupts") is { } interrupts
        && !interrupts.Contains(" IR-", StringComparison.Ordinal);
}
