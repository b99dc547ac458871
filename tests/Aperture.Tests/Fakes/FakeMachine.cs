using Aperture.Core;
using Aperture.Devices;
using Aperture.Diagnostics;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Tests.Fakes;

/// <summary>A driver core with everything faked around it.</summary>
internal sealed class FakeMachine : IDisposable
{
    public FakeMachine(DmaTrace? trace = null)
    {
        Iommu = new IommuCore(Memory, trace);
        Core = new DriverCore(Iommu, Memory, Time);
    }

    public FakeMemory Memory { get; } = new();

    public ManualTime Time { get; } = new();

    public List<string> Calls { get; } = [];

    public IommuCore Iommu { get; }

    public DriverCore Core { get; }

    /// <summary>The units that <see cref="UnitDriver"/> made, by device name.</summary>
    public Dictionary<string, FakeUnit> Units { get; } = [];

    public FakeDriver Driver(params string[] compatible) => Register(new FakeDriver(Calls, compatible));

    public FakeDriver Register(FakeDriver driver)
    {
        Core.Register(driver);
        return driver;
    }

    /// <summary>A driver of IOMMUs.</summary>
    public FakeDriver UnitDriver(string compatible = "iommu") => Register(new FakeDriver(Calls, compatible)
    {
        Name = "fake-iommu",
        OnProbe = device =>
        {
            var unit = new FakeUnit(device);
            Units[device.Name] = unit;
            device.Manage(Iommu.Register(unit));
        },
    });

    /// <summary>A driver of gate controllers: one cell, gates 0 to 7, all made at the first probe.</summary>
    public FakeDriver GateDriver(Dictionary<(string, GateKind, uint), Gate> gates, string compatible = "gates") =>
        Register(new FakeDriver(Calls, compatible)
        {
            Name = "fake-gates",
            OnProbe = device => device.Manage(Core.RegisterGates(device.Key, new Gates(device.Name, gates))),
        });

    public static Device Device(string name, string compatible, params Device[] suppliers) => new(name)
    {
        Description = new DeviceDescription
        {
            Compatible = [compatible],
            Suppliers = [.. suppliers.Select(supplier => new SupplierReference(supplier.Key, supplier.Name))],
        },
    };

    /// <summary>A master behind units, with its stream on each.</summary>
    public static Device Master(string name, string compatible, params (Device Unit, uint Stream)[] ports) => new(name)
    {
        Description = new DeviceDescription
        {
            Compatible = [compatible],
            Identity = new MasterIdentity
            {
                Units = [.. ports.Select(port => new IommuSpecifier(port.Unit.Key, port.Unit.Name, [port.Stream]))]
            },
        },
    };

    /// <summary>The log in short: <c>device Kind</c> or <c>device Kind: detail</c>.</summary>
    public string[] Log =>
        [.. Core.Log.Select(entry => $"{entry.Device?.Name} {entry.Kind}{(entry.Detail.Length == 0 ? "" : ": " + entry.Detail)}")];

    public void Dispose() => Memory.Dispose();

    private sealed class Gates(string provider, Dictionary<(string, GateKind, uint), Gate> gates) : IGateProvider
    {
        public Status Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
        {
            gate = null;
            if (cells.Length != 1)
                return Status.InvalidArgument;
            if (cells[0] > 7)
                return Status.OutOfRange;
            if (!gates.TryGetValue((provider, kind, cells[0]), out gate))
                gates.Add((provider, kind, cells[0]), gate = new Gate(kind, $"{provider} {cells[0]}"));
            return Status.Ok;
        }
    }
}
