using Aperture.Core;
using Aperture.Linux.Hosts.Uses;

namespace Aperture.Linux.Hosts;

// Taking functions from the kernel's drivers and giving them back.
public sealed partial class LinuxHost
{
    /// <summary>Addresses of the functions that were taken from the kernel and not given back.</summary>
    public IReadOnlyList<string> Taken => [.. _journal.Entries.Select(entry => entry.Address)];

    /// <summary>Where a function goes when it is given back, in words.</summary>
    public string OriginOf(string address) =>
        _journal.Find(Find(address).Address) is { } entry ? entry.Driver ?? "no driver" : "whichever driver the kernel finds";

    /// <summary>Takes a function from its kernel driver and binds it to vfio-pci, as <see cref="Bind(IReadOnlyList{string}, bool)"/>
    /// does.</summary>
    /// <param name="address">The function.</param>
    /// <param name="unsafeNoIommu">As there.</param>
    /// <returns>What was bound before, or null; also when it is bound to vfio-pci already.</returns>
    /// <exception cref="ApertureException">Something is in the way, or the kernel refuses: the message says what. The function is where
    /// it was then.</exception>
    public string? Bind(string address, bool unsafeNoIommu = false) => Bind([address], unsafeNoIommu)[0];

    /// <summary>Takes functions from their kernel drivers and binds them to vfio-pci: all or none. Nothing moves before all of them were
    /// looked at, and before every disk of theirs was claimed: the kernel gives a claim to nobody while a mount, swap, RAID, device
    /// mapper or anybody else who wants a disk alone has it, in whatever namespace. The claims are kept until the driver has let go.
    /// Where the functions were goes into a journal first, so that <see cref="Recover"/> can give them back after a crash.</summary>
    /// <param name="addresses">The functions.</param>
    /// <param name="unsafeNoIommu">Whether functions without an IOMMU may be taken, which nothing confines then: they reach all memory of
    /// the machine. Those that have an IOMMU are taken with it all the same.</param>
    /// <returns>For each what was bound before, or null; also when it is bound to vfio-pci already.</returns>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: one is in use, the message says by whom; or something else is in
    /// the way, or the kernel refuses. All functions are where they were then, or the message says which is not.</exception>
    public IReadOnlyList<string?> Bind(IReadOnlyList<string> addresses, bool unsafeNoIommu = false)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        PciFunction[] functions = [.. addresses.Select(Find)];
        using var claims = Claim(functions, unsafeNoIommu);
        var taken = new Stack<BoundFunction>();
        try
        {
            foreach (var function in functions)
            {
                if (!Read(function.Address).IsVfio)
                    Take(function, claims, taken);
                var bound = Read(function.Address);
                if (bound.IsNoIommu && !unsafeNoIommu)
                    throw new ApertureException(Status.NotPermitted, NotAskedFor(bound).ToString());
                Warn(bound);
            }
        }
        catch (ApertureException e)
        {
            claims.Dispose(); // a disk that is still claimed would come back under another name
            var undone = string.Join("; ", taken.Select(entry => $"{entry.Address}: {Undo(entry)}"));
            throw new ApertureException(
                e.Status, $"{string.Join(", ", addresses)} could not be bound to {VfioDriver}: {e.Message}; {undone}", e);
        }

        return [.. functions.Select(function => function.IsVfio ? _journal.Find(function.Address)?.Driver : function.Driver)];
    }

    /// <summary>Does all of <see cref="Bind(IReadOnlyList{string}, bool)"/> but the last: looks at everything and claims the disks for a
    /// moment.</summary>
    /// <inheritdoc cref="Bind(IReadOnlyList{string}, bool)"/>
    public void CheckBind(IReadOnlyList<string> addresses, bool unsafeNoIommu = false)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        Claim([.. addresses.Select(Find)], unsafeNoIommu).Dispose();
    }

    private DiskClaims Claim(PciFunction[] functions, bool unsafeNoIommu)
    {
        var use = new DeviceUse(_files);
        foreach (var function in functions)
        {
            var problems = ForBinding(function, unsafeNoIommu, use).Where(problem => problem.IsFatal).ToArray();
            if (problems.Length == 0)
                continue;
            var status = problems[0].Code == HostProblemCode.InUse ? Status.Busy : Status.NotPermitted;
            var why = string.Join("; ", problems.Select(problem => problem.ToString()));
            throw new ApertureException(status, $"{function.Address} cannot be bound to {VfioDriver}: {why}");
        }

        var claims = new DiskClaims(_files);
        foreach (var function in functions.Where(function => !function.IsVfio))
            claims.Add(function);
        return claims;
    }

    private void Take(PciFunction function, DiskClaims claims, Stack<BoundFunction> taken)
    {
        var entry = new BoundFunction(function.Address, function.Driver, function.Override);
        _journal.Add(entry);
        taken.Push(entry);
        Rebind(function, VfioDriver, VfioDriver, () => claims.Release(function));
    }

    /// <summary>Gives a function back to the driver that it had before.</summary>
    /// <returns>The driver that is bound now, or null when it had none.</returns>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: a process has it open; or the kernel refuses.</exception>
    public string? Unbind(string address)
    {
        var function = Find(address);
        var entry = _journal.Find(function.Address);
        if (function.IsVfio && new DeviceUse(_files).Find(function) is { } use)
            throw new ApertureException(Status.Busy, $"{function.Address} cannot be given back: {use}; end that first");
        if (!function.IsVfio && entry is null)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"{function.Address} is not bound to {VfioDriver} but to {function.Driver ?? "no driver"}");
        }
        return GiveBack(entry ?? new BoundFunction(function.Address, AnyDriver, null));
    }

    /// <summary>Gives back every function that was bound and never given back, by a process that crashed or was killed.</summary>
    /// <returns>One line for each: what became of it.</returns>
    public IReadOnlyList<string> Recover()
    {
        var lines = new List<string>();
        foreach (var entry in _journal.Entries)
        {
            try
            {
                if (!_files.Exists($"{DevicesPath}/{entry.Address}"))
                {
                    _journal.Remove(entry.Address);
                    lines.Add($"{entry.Address}: gone");
                    continue;
                }

                lines.Add($"{entry.Address}: {Unbind(entry.Address) ?? "no driver, as before"}");
            }
            catch (ApertureException e)
            {
                lines.Add($"{entry.Address}: {e.Message}");
            }
        }

        return lines;
    }

    private void Warn(PciFunction function)
    {
        if (function.Warning is { } warning)
            LogNoIommu(_logger, warning);
    }

    private const string AnyDriver = "*"; // whichever the kernel finds

    private string Undo(BoundFunction entry)
    {
        try
        {
            return $"it is back with {GiveBack(entry) ?? "no driver"}";
        }
        catch (ApertureException e)
        {
            return $"it could not be given back either ({e.Message}); 'aperture host recover' tries again";
        }
    }

    private string? GiveBack(BoundFunction entry)
    {
        var function = Find(entry.Address);
        if (function.Driver != entry.Driver || function.Driver is null)
            Rebind(function, entry.Override, entry.Driver);
        else if (function.Override != entry.Override)
            Override(function, entry.Override); // its driver never let it go
        _journal.Remove(entry.Address);
        return Find(entry.Address).Driver;
    }

    private void Override(PciFunction function, string? wanted) =>
        _files.Write($"{DevicesPath}/{function.Address}/driver_override", (wanted ?? "") + '\n');

    /// <summary>Takes a function from whatever driver it has and lets another one have it.</summary>
    /// <param name="function">The function.</param>
    /// <param name="wanted">What to tell the kernel, or null to leave the choice to it.</param>
    /// <param name="driver">Which driver it must have afterwards; null for none.</param>
    /// <param name="unbound">Called when the old driver has let go.</param>
    private void Rebind(PciFunction function, string? wanted, string? driver, Action? unbound = null)
    {
        var path = $"{DevicesPath}/{function.Address}";
        Override(function, wanted);
        if (function.Driver is not null)
            _files.Write($"{path}/driver/unbind", function.Address);
        unbound?.Invoke();
        if (driver is null)
            return;
        _files.Write("sys/bus/pci/drivers_probe", function.Address);
        var now = Read(function.Address).Driver;
        if (driver != AnyDriver && now != driver)
            throw new ApertureException(Status.IoError, $"the kernel bound {function.Address} to {now ?? "no driver"} instead of {driver}");
    }
}
