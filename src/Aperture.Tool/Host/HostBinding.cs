using Aperture.Core;
using Aperture.Linux.Hosts;

namespace Aperture.Tool.Host;

/// <summary>The commands that bind devices and give them back.</summary>
internal static class HostBinding
{
    /// <summary>Hands devices to vfio-pci, all or none.</summary>
    /// <returns>The exit code: 1 also when they are bound and something is still in the way of using one.</returns>
    public static int Bind(LinuxHost host, IReadOnlyList<string> addresses, bool isDry, bool unsafeNoIommu, TextWriter output)
    {
        PciFunction[] functions = [.. addresses.Select(host.Find)];
        if (isDry)
            return functions.Aggregate(0, (code, function) => code | Plan(host, function, unsafeNoIommu, output));
        host.Bind(addresses, unsafeNoIommu);
        var isUsable = true;
        foreach (var function in functions)
        {
            var group = host.Find(function.Address).Group;
            output.WriteLine(function.IsVfio
                ? $"{function.Address}: bound to {LinuxHost.VfioDriver} already"
                : $"{function.Address}: {function.Driver ?? "no driver"} -> {LinuxHost.VfioDriver}, group {group}");
            foreach (var problem in host.Explain(function.Address, unsafeNoIommu))
            {
                output.WriteLine($"  {Label(problem)}: {problem}");
                isUsable &= !Blocks(problem);
            }
        }

        if (!isUsable)
            output.WriteLine("bound, but not usable as it stands: see above; 'aperture host unbind' gives back");
        return isUsable ? 0 : 1;
    }

    /// <summary>Gives devices back, the first that is refused ends it.</summary>
    /// <returns>The exit code.</returns>
    public static int Unbind(LinuxHost host, IEnumerable<string> addresses, bool isDry, TextWriter output)
    {
        foreach (var address in addresses)
        {
            var function = host.Find(address);
            if (!isDry)
            {
                output.WriteLine($"{function.Address}: {host.Unbind(address) ?? "no driver"}");
                continue;
            }

            var but = host.UseOf(address) is { } use ? $", but {use}" : "";
            output.WriteLine($"{function.Address}: would go from {function.Driver ?? "no driver"} back to {host.OriginOf(address)}{but}");
        }

        return 0;
    }

    /// <summary>Gives everything back.</summary>
    /// <returns>The exit code: 1 when something is still bound.</returns>
    public static int Recover(LinuxHost host, bool isDry, TextWriter output)
    {
        var taken = host.Taken;
        if (taken.Count == 0)
            output.WriteLine("nothing was taken");
        var there = host.Functions.Select(function => function.Address).ToHashSet(StringComparer.Ordinal);
        if (isDry)
            return Unbind(host, taken.Where(there.Contains), true, output);
        foreach (var line in host.Recover())
            output.WriteLine(line);
        return host.Taken.Count == 0 ? 0 : 1;
    }

    /// <summary>What a problem is called.</summary>
    public static string Label(HostProblem problem) => problem switch
    {
        { IsFatal: true } => "in the way",
        { Code: HostProblemCode.NoIommuMode } => "WARNING",
        _ => "note",
    };

    /// <summary>Whether the kernel refuses the device for a problem: where interrupts are not isolated it does when the group is
    /// opened.</summary>
    private static bool Blocks(HostProblem problem) => problem.IsFatal || problem.Code == HostProblemCode.UnsafeInterrupts;

    private static int Plan(LinuxHost host, PciFunction function, bool unsafeNoIommu, TextWriter output)
    {
        output.WriteLine($"{function.Address}: would be taken from {function.Driver ?? "no driver"} and bound to {LinuxHost.VfioDriver}");
        var problems = host.Explain(function.Address, unsafeNoIommu);
        foreach (var problem in problems)
            output.WriteLine($"  {Label(problem)}: {problem}");
        if (problems.Any(Blocks))
            return 1;
        try
        {
            host.CheckBind([function.Address], unsafeNoIommu);
            return 0;
        }
        catch (ApertureException e)
        {
            output.WriteLine($"  in the way: {e.Message}");
            return 1;
        }
    }
}
