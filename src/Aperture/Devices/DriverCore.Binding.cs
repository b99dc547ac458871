using Aperture.Core;
using Aperture.Dma.Operations;

namespace Aperture.Devices;

// Probing, and letting go.
public sealed partial class DriverCore
{
    private int _generation; // grows with everything that a waiting device may have waited for
    private bool _running;   // the loop that probes is running; it sees what is added meanwhile

    /// <summary>Probes a device again that failed or was unbound.</summary>
    /// <returns>Whether it is bound now; if not, <see cref="WhyUnbound"/> has the reason.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it is not in the machine.</exception>
    public bool Bind(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            AssertAwake();
            var entry = Find(device);
            if (entry.State is BindState.Failed or BindState.Unbound)
            {
                entry.State = BindState.Waiting;
                entry.Tried = -1;
                Run();
            }

            AssertInvariants();
            return entry.State == BindState.Bound;
        }
    }

    /// <summary>Binds an unbound device to a driver of the caller's choice, registered or not; it stays the device's driver.</summary>
    /// <returns>Whether it is bound now; if not, <see cref="WhyUnbound"/> has the reason.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: the device is not in the machine, or the driver does not serve
    /// it;
    /// <see cref="Status.Busy"/>: another driver is bound, or the system sleeps.</exception>
    public bool Bind(Device device, IDriver driver)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(driver);
        lock (_lock)
        {
            AssertAwake();
            var entry = Find(device);
            if (entry.State is BindState.Bound or BindState.Probing)
                throw new ApertureException(Status.Busy, $"{device.Name} is bound to {entry.Driver!.Name}");
            if (!device.Description.Compatible.Any(driver.Compatible.Contains))
                throw new ApertureException(Status.NoDevice,
                    $"driver {driver.Name} does not serve {device.Name} ({string.Join(", ", device.Description.Compatible)})");
            entry.Driver = driver;
            Announce(entry);
            entry.State = BindState.Unbound;
            return Bind(device);
        }
    }

    /// <summary>Takes a device's driver away, after those of its consumers. The consumers are probed again when the device is bound
    /// again.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it is not in the machine; <see cref="Status.Busy"/>: it is being
    /// probed, or the system sleeps.</exception>
    public void Unbind(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            AssertAwake();
            var entry = Find(device);
            UnbindEntry(entry);
            if (entry.State == BindState.Waiting)
                entry.State = BindState.Unbound;
            Run();
            AssertInvariants();
        }
    }

    private void Run()
    {
        if (_running || IsAsleep)
            return;
        _running = true;
        try
        {
            while (_entries.Find(entry => entry.State == BindState.Waiting && entry.Tried != _generation) is { } entry)
            {
                entry.Tried = _generation;
                Probe(entry);
            }
        }
        finally
        {
            _running = false;
        }
    }

    private void Probe(Entry entry)
    {
        var device = entry.Device;
        var undo = new Stack<Action>();
        entry.State = BindState.Probing;
        try
        {
            Prepare(entry, undo);
            device.Driver = entry.Driver;
            undo.Push(() => device.Driver = null);
            undo.Push(() => device.ReleaseManaged(e => Trouble(device, e)));
            device.Bound = entry.Driver!.Probe(device);
        }
        catch (Exception e)
        {
            Undo(device, undo);
            var failure = e as ApertureException;
            var deferred = failure?.Status == Status.ProbeDefer;
            entry.State = deferred ? BindState.Waiting : BindState.Failed;
            entry.WaitsFor = (e as SupplierMissingException)?.Key;
            entry.SupplierName = (e as SupplierMissingException)?.Supplier ?? e.Message;
            if (!deferred || entry.Why != e.Message)
                Record(deferred ? DriverEventKind.Deferred : DriverEventKind.Failed, device, entry.Driver, e.Message);
            entry.Why = e.Message;
            if (failure is null)
                throw;
            return;
        }

        entry.State = BindState.Bound;
        entry.Why = "";
        entry.Undo = undo;
        _generation++;
        Record(DriverEventKind.Bound, device, entry.Driver, "");
        entry.Held = false;
        device.Power.Put();
    }

    /// <summary>Everything that must hold before a driver's probe, in order; what was done is pushed on <paramref name="undo"/>.</summary>
    private void Prepare(Entry entry, Stack<Action> undo)
    {
        var device = entry.Device;
        var description = device.Description;
        var suppliers = Suppliers(device);
        undo.Push(() => ClearGates(device));
        ResolveGates(device);
        foreach (var supplier in suppliers)
        {
            device.Power.AddSupplier(supplier);
            undo.Push(() => device.Power.RemoveSupplier(supplier));
        }

        device.Power.Get();
        entry.Held = true;
        undo.Push(() => PowerOff(entry));

        var managesOwnDma = entry.Driver!.ManagesOwnDma;
        undo.Push(() => Iommu.Release(device));
        Iommu.Configure(device, managesOwnDma);
        device.Dma.BusLimit = description.DmaLimit;
        undo.Push(device.Dma.Detach);
        if (managesOwnDma)
        {
            device.Dma.Offer(Dma, Iommu.Trace);
            return;
        }

        if (device.Iommu?.Group is { } group)
        {
            group.UseDefaultDomain();
            undo.Push(group.UnuseDefaultDomain);
        }

        DmaAttach.Attach(device, Iommu, Dma);
    }

    private void UnbindEntry(Entry entry)
    {
        var device = entry.Device;
        if (entry.State == BindState.Probing)
            throw new ApertureException(Status.Busy, $"{device.Name} is being probed");
        if (entry.State != BindState.Bound)
            return;
        foreach (var consumer in _entries.Where(other => other.State == BindState.Bound && other.Device.Power.Suppliers.Contains(device))
            .Reverse().ToArray())
            UnbindEntry(consumer);

        // A device that cannot be resumed any more is let go all the same.
        Attempt(device, () =>
        {
            device.Power.Get();
            entry.Held = true;
        });
        Attempt(device, device.Bound!.Remove);
        device.Bound = null;
        Undo(device, entry.Undo!);
        entry.Undo = null;
        entry.State = BindState.Waiting;
        entry.Tried = -1;
        Record(DriverEventKind.Unbound, device, entry.Driver, "");
    }

    /// <summary>Undoes, the last step first. A step that fails is recorded and does not keep the others.</summary>
    private void Undo(Device device, Stack<Action> undo)
    {
        while (undo.TryPop(out var step))
            Attempt(device, step);
    }

    private void Attempt(Device device, Action step)
    {
        try
        {
            step();
        }
        catch (ApertureException e)
        {
            Trouble(device, e);
        }
    }

    private void PowerOff(Entry entry)
    {
        var device = entry.Device;
        if (entry.Held)
            device.Power.Put();
        entry.Held = false;
        if (device.Power.Reset() is > 0 and var left)
            Record(DriverEventKind.Trouble, device, entry.Driver, $"the driver let go of the device but kept {left} holds on its power");
    }
}
