using System.Globalization;
using Aperture.Linux.Memory;
using Aperture.Linux.Native;

namespace Aperture.Linux.Hosts;

// What is in the way.
public sealed partial class LinuxHost
{
    private const ulong LowLimit = 64 << 20; // less locked memory than that is soon too little

    /// <summary>What is in the way of using a function, the fatal first. A function that is in use by a kernel driver for something, or by another
    /// process, must not be taken away.</summary>
    /// <param name="address">The function.</param>
    /// <param name="unsafeNoIommu">Whether it may be used without an IOMMU, as for <see cref="Bind"/>.</param>
    /// <exception cref="Core.ApertureException">There is no such function.</exception>
    public IReadOnlyList<HostProblem> Explain(string address, bool unsafeNoIommu = false)
    {
        var function = Find(address);
        return [.. ForBinding(function, unsafeNoIommu).Concat(ForOpening(function)).OrderBy(problem => !problem.IsFatal)];
    }

    /// <summary>Who uses a function, in words; null when nobody seems to.</summary>
    public string? UseOf(string address) => new DeviceUse(_files).Find(Find(address));

    /// <summary>A kernel whose IOMMU driver came late puts devices without a driver into groups when they get one.</summary>
    private HostProblem NoIommu(PciFunction function) => _files.List("sys/class/iommu").Any()
        ? new HostProblem(HostProblemCode.NoIommu, $"{function.Address} is in no IOMMU group", "binding it may bring it into one; if not, no IOMMU is in front of it", IsFatal: false)
        : new HostProblem(
            HostProblemCode.NoIommu,
            $"no IOMMU is in front of {function.Address}",
            "switch it on in the firmware (VT-d, AMD-Vi, SMMU) and boot Intel machines with intel_iommu=on");

    private static HostProblem NotAskedFor(PciFunction function) => new(
        HostProblemCode.NoIommuMode,
        NoIommuMode.RiskOf(function.Address),
        "use a device behind an IOMMU; or, for a device and a driver that you trust with everything, ask for it (--unsafe-no-iommu, UnsafeNoIommu)");

    /// <summary>What the kernel's no-IOMMU mode lacks, and what using it means.</summary>
    private IEnumerable<HostProblem> ForNoIommu(PciFunction function)
    {
        if (!function.IsNoIommu && _files.Exists("sys/module/vfio") && !_files.Exists(NoIommuMode.Parameter))
            yield return new HostProblem(HostProblemCode.NoIommuMode, $"no IOMMU is in front of {function.Address}, and this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)", "boot a kernel that has it, or use a device behind an IOMMU");
        if (!function.IsNoIommu && _files.Read(NoIommuMode.Parameter) == "N")
            yield return new HostProblem(HostProblemCode.NoIommuMode, $"no IOMMU is in front of {function.Address}, and the kernel's no-IOMMU mode is off", $"echo 1 > /{NoIommuMode.Parameter}");
        yield return new HostProblem(HostProblemCode.NoIommuMode, NoIommuMode.RiskOf(function.Address), "trust the device and its driver with everything, or use one behind an IOMMU", IsFatal: false);
    }

    private IEnumerable<HostProblem> ForBinding(PciFunction function, bool unsafeNoIommu)
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
            yield return new HostProblem(HostProblemCode.ModuleMissing, $"the kernel module {VfioDriver} is not loaded", $"modprobe {VfioDriver}");
        if (!_files.Exists("sys/module/vfio_iommu_type1") && !(function.Iommu == IommuKind.None && unsafeNoIommu))
            yield return new HostProblem(HostProblemCode.ModuleMissing, "the kernel module vfio_iommu_type1 is not loaded", "modprobe vfio_iommu_type1");
        if (function.IsBridge)
            yield return new HostProblem(HostProblemCode.NotAnEndpoint, $"{function.Address} is a bridge", "use a device behind it; bridges stay with the kernel");
        if (_files.ReadNumber($"{DevicesPath}/{function.Address}/sriov_numvfs") is > 0 and var count)
            yield return new HostProblem(HostProblemCode.NotAnEndpoint, $"{function.Address} has {count} virtual functions", $"switch them off (echo 0 > /{DevicesPath}/{function.Address}/sriov_numvfs)");
        if (new DeviceUse(_files).Find(function) is { } use)
            yield return new HostProblem(HostProblemCode.InUse, $"{function.Address} is in use: {use}", "end that use first");
    }

    private IEnumerable<HostProblem> ForOpening(PciFunction function)
    {
        if (function.Group is not { } group)
            yield break;
        var others = FunctionsOf(group).Where(other => other.Address != function.Address && !IsHarmless(other)).ToArray();
        if (others.Length > 0)
        {
            yield return new HostProblem(
                HostProblemCode.GroupNotViable,
                $"group {group} is not viable: kernel drivers hold {string.Join(", ", others.Select(other => $"{other.Address} ({other.Driver})"))}",
                $"take them, too: aperture host bind {string.Join(' ', others.Select(other => other.Address))}");
        }

        var file = NoIommuMode.GroupFile(group, function.IsNoIommu);
        if (function.IsVfio && Libc.Access(_files.PathOf(file), ReadAndWrite) < 0)
            yield return new HostProblem(HostProblemCode.NoPermission, $"/{file} cannot be opened by this user", $"chown $USER /{file}");
        if (IsLimited() && LockedMemory.Limit is { } limit and < LowLimit)
            yield return new HostProblem(HostProblemCode.MemoryLimit, string.Create(CultureInfo.InvariantCulture, $"the limit on locked memory is {limit >> 10} KiB: no more than that can be mapped"), "raise it (ulimit -l unlimited, or LimitMEMLOCK= of a systemd unit)", IsFatal: false);
        if (MayForgeInterrupts(function))
        {
            yield return new HostProblem(
                HostProblemCode.UnsafeInterrupts,
                "interrupt messages do not seem to be isolated, and the kernel then refuses the group",
                "switch interrupt remapping on; or, for a device that you trust, echo 1 > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
                IsFatal: false);
        }
    }

    private const int ReadAndWrite = 4 | 2; // R_OK and W_OK of access(2)

    /// <summary>Whether the kernel lets a group be used although this function has its driver.</summary>
    private static bool IsHarmless(PciFunction function) =>
        function.Driver is null or "pci-stub" or "pcieport" || function.Driver.StartsWith("vfio", StringComparison.Ordinal);

    /// <summary>Whether the limit on locked memory counts for this process: not with CAP_IPC_LOCK, bit 14.</summary>
    private bool IsLimited()
    {
        var line = _files.Read("proc/self/status")?.Split('\n').FirstOrDefault(line => line.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is null || !ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var capabilities) || (capabilities & (1 << 14)) == 0;
    }

    /// <summary>On PCs the names of interrupt controllers begin with IR while interrupts are remapped.</summary>
    private bool MayForgeInterrupts(PciFunction function) =>
        function.Iommu is IommuKind.Intel or IommuKind.Amd or IommuKind.Virtio
        && _files.Read("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts") == "N"
        && _files.Read("proc/interrupts") is { } interrupts
        && !interrupts.Contains(" IR-", StringComparison.Ordinal);
}
