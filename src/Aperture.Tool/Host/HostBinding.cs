using Aperture.Linux.Hosts;

namespace Aperture.Tool.Host;

/// <summary>The commands that bind devices and give them back.</summary>
internal static class HostBinding
{
    /// <summary>Hands devices to vfio-pci, the first that is refused ends it.</summary>
    /// <returns>The exit code.</returns>
    public static int Bind(LinuxHost host, IEnumerable<string> addresses, bool isDry, bool unsafeNoIommu, TextWriter output)
    {
        var code = 0;
        foreach (var address in addresses)
        {
            var function = host.Find(address);
            if (isDry)
            {
                code |= Plan(host, function, unsafeNoIommu, output);
                continue;
            }

            host.Bind(address, unsafeNoIommu);
            output.WriteLine(function.IsVfio ? $"{function.Address}: bound to {LinuxHost.VfioDriver} already" : $"{function.Address}: {function.Driver ?? "no driver"} -> {LinuxHost.VfioDriver}, group {host.Find(address).Group}");
            foreach (var problem in host.Explain(address, unsafeNoIommu))
                output.WriteLine($"  {Label(problem)}: {problem}");
        }

        return code;
    }

    /// <summary>Gives devices back, the first that is refused ends it.</summary>
    /// <returns>The exit code.</returns>
    public static int Unbind(LinuxHost host, IEnumerable<string> addresses, bool isDry, TextWriter output)
    {
        foreach (var address in addresses)
        {
            var function = host.Find(address);
            if (isDry)
                output.WriteLine($"{function.Address}: would go from {function.Driver ?? "no driver"} back to {host.OriginOf(address)}{(host.UseOf(address) is { } use ? $", but {use}" : "")}");
            else
                output.WriteLine($"{function.Address}: {host.Unbind(address) ?? "no driver"}");
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
        if (isDry)
            return taken.Count == 0 ? 0 : Unbind(host, taken.Where(address => host.Functions.Any(function => function.Address == address)), true, output);
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

    private static int Plan(LinuxHost host, PciFunction function, bool unsafeNoIommu, TextWriter output)
    {
        output.WriteLine($"{function.Address}: would be taken from {function.Driver ?? "no driver"} and bound to {LinuxHost.VfioDriver}");
        var problems = host.Explain(function.Address, unsafeNoIommu);
        foreach (var problem in problems)
            output.WriteLine($"  {Label(problem)}: {problem}");
        return problems.Any(problem => problem.IsFatal) ? 1 : 0;
    }
}
