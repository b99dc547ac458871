using Aperture.Core;

namespace Aperture.Linux.Hosts;

// Taking functions from the kernel's drivers and giving them back.
public sealed partial class LinuxHost
{
    /// <summary>Addresses of the functions that were taken from the kernel and not given back.</summary>
    public IReadOnlyList<string> Taken => [.. _journal.Entries.Select(entry => entry.Address)];

    /// <summary>Where a function goes when it is given back, in words.</summary>
    public string OriginOf(string address) => _journal.Find(Find(address).Address) is { } entry ? entry.Driver ?? "no driver" : "whichever driver the kernel finds";

    /// <summary>Takes a function from its kernel driver and binds it to vfio-pci. Where it was goes into a journal first, so that
    /// <see cref="Recover"/> can give it back after a crash.</summary>
    /// <param name="address">The function.</param>
    /// <param name="unsafeNoIommu">Whether a function without an IOMMU may be taken, which nothing confines then: it reaches all memory of the machine. One
    /// that has an IOMMU is taken with it all the same.</param>
    /// <returns>What was bound before, or null; also when it is bound to vfio-pci already.</returns>
    /// <exception cref="ApertureException">Something is in the way, or the kernel refuses: the message says what. The function is where it was then.</exception>
    public string? Bind(string address, bool unsafeNoIommu = false)
    {
        var function = Find(address);
        var problems = ForBinding(function, unsafeNoIommu).Where(problem => problem.IsFatal).ToArray();
        if (problems.Length > 0)
            throw new ApertureException(problems[0].Code == HostProblemCode.InUse ? Status.Busy : Status.NotPermitted, $"{function.Address} cannot be bound to {VfioDriver}: {string.Join("; ", problems.Select(problem => problem.ToString()))}");
        if (function.IsVfio)
        {
            Warn(function);
            return _journal.Find(function.Address)?.Driver;
        }

        var entry = new BoundFunction(function.Address, function.Driver, function.Override);
        _journal.Add(entry);
        try
        {
            Rebind(function, VfioDriver, VfioDriver);
            var bound = Find(address);
            if (bound.IsNoIommu && !unsafeNoIommu)
                throw new ApertureException(Status.NotPermitted, NotAskedFor(bound).ToString());
            Warn(bound);
            return function.Driver;
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{function.Address} could not be bound to {VfioDriver}: {e.Message}; {Undo(entry)}", e);
        }
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
            throw new ApertureException(Status.InvalidArgument, $"{function.Address} is not bound to {VfioDriver} but to {function.Driver ?? "no driver"}");
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
        if (function.Driver != entry.Driver || function.Driver is null || function.Override != entry.Override)
            Rebind(function, entry.Override, entry.Driver);
        _journal.Remove(entry.Address);
        return Find(entry.Address).Driver;
    }

    /// <summary>Takes a function from whatever driver it has and lets another one have it.</summary>
    /// <param name="function">The function.</param>
    /// <param name="wanted">What to tell the kernel, or null to leave the choice to it.</param>
    /// <param name="driver">Which driver it must have afterwards; null for none.</param>
    private void Rebind(PciFunction function, string? wanted, string? driver)
    {
        var path = $"{DevicesPath}/{function.Address}";
        _files.Write($"{path}/driver_override", (wanted ?? "") + '\n');
        if (function.Driver is not null)
            _files.Write($"{path}/driver/unbind", function.Address);
        if (driver is null)
            return;
        _files.Write("sys/bus/pci/drivers_probe", function.Address);
        var now = Read(function.Address).Driver;
        if (driver != AnyDriver && now != driver)
            throw new ApertureException(Status.IoError, $"the kernel bound {function.Address} to {now ?? "no driver"} instead of {driver}");
    }
}
