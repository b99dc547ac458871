using System.Globalization;
using Aperture.Core;
using Aperture.Power;

namespace Aperture.Devices;

// What must be there before a probe.
public sealed partial class DriverCore
{
    /// <summary>The devices to link to. IOMMUs are checked here and linked by the IOMMU core.</summary>
    private List<Device> Suppliers(Device device)
    {
        var description = device.Description;
        var suppliers = new List<Device>();
        foreach (var supplier in description.Suppliers)
        {
            if (BoundDevice(supplier.Key) is not { } bound)
                throw new SupplierMissingException(device, supplier.Key, supplier.Name, "");
            suppliers.Add(bound);
        }

        foreach (var gate in description.Gates)
        {
            if (!_gateProviders.ContainsKey(gate.Provider))
                throw new SupplierMissingException(device, gate.Provider, gate.ProviderName, $" ({What(gate)})");
            if (BoundDevice(gate.Provider) is { } bound && bound != device)
                suppliers.Add(bound);
        }

        foreach (var iommu in description.Identity.Units)
        {
            if (!Iommu.TryFindUnit(iommu.Unit, out _))
                throw new SupplierMissingException(device, iommu.Unit, iommu.UnitName, " (IOMMU)");
        }

        return suppliers;
    }

    private Device? BoundDevice(object key) =>
        _byKey.TryGetValue(key, out var entry) && entry.State == BindState.Bound ? entry.Device : null;

    /// <summary>The gate that a reference means, for whoever wires a block that is not probed: a board.</summary>
    /// <param name="specifier">The reference.</param>
    /// <param name="user">Who asks, for the message.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: nobody provides it, or not yet.</exception>
    public Gate FindGate(in GateSpecifier specifier, string user)
    {
        lock (_lock)
        {
            Gate? gate = null;
            var status = _gateProviders.TryGetValue(specifier.Provider, out var provider)
                ? provider.Resolve(specifier.Kind, specifier.Cells, out gate)
                : Status.NotFound;
            return status == Status.Ok && gate is not null
                ? gate
                : throw new ApertureException(Status.NotFound,
                    $"{user} asks {specifier.ProviderName} for {What(specifier)}, which nobody provides ({status})");
        }
    }

    private void ResolveGates(Device device)
    {
        var clocks = 0;
        var resets = 0;
        foreach (var specifier in device.Description.Gates)
        {
            var status = _gateProviders[specifier.Provider].Resolve(specifier.Kind, specifier.Cells, out var gate);
            if (status == Status.ProbeDefer)
                throw new SupplierMissingException(device, specifier.Provider, specifier.ProviderName, $" ({What(specifier)})");
            if (status != Status.Ok || gate is null)
                throw new ApertureException(status == Status.Ok ? Status.NotFound : status,
                    $"{device.Name} asks {specifier.ProviderName} for {What(specifier)}, which it does not have ({status})");
            switch (specifier.Kind)
            {
                case GateKind.Clock:
                    Name(device.Clocks, specifier.Name, clocks++, gate);
                    break;
                case GateKind.Reset:
                    Name(device.Resets, specifier.Name, resets++, gate);
                    break;
                default:
                    device.PowerDomains.Add(gate);
                    break;
            }
        }
    }

    private static void Name(IDictionary<string, Gate> gates, string? name, int number, Gate gate)
    {
        if (name is null || !gates.TryAdd(name, gate))
            gates[number.ToString(CultureInfo.InvariantCulture)] = gate;
    }

    private static void ClearGates(Device device)
    {
        device.Clocks.Clear();
        device.Resets.Clear();
        device.PowerDomains.Clear();
    }

    private static string What(in GateSpecifier gate)
    {
        var kind = gate.Kind switch
        {
            GateKind.Clock => "clock",
            GateKind.Reset => "reset",
            _ => "power domain",
        };
        var cells = gate.Cells.Length == 0 ? "" : $" <{string.Join(' ', gate.Cells)}>";
        return gate.Name is null ? kind + cells : $"{kind} {gate.Name}{cells}";
    }
}
