using Aperture.Boards;
using Aperture.Boards.Masters;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Hardware.Masters;

namespace Aperture.Foreign.Tests.Bench;

/// <summary>A device with its driver, which does what a test tells it.</summary>
internal sealed class Client(Device device, Engine hardware)
{
    public Device Device => device;

    public DmaContext Dma => device.Dma;

    public Engine Hw => hardware;

    public Action? OnProbe { get; set; }

    public Action? OnSuspend { get; set; }

    public Action? OnResume { get; set; }

    public Action? OnRemove { get; set; }

    public void Deconstruct(out DmaContext dma, out Engine hw) => (dma, hw) = (Dma, hardware);
}

internal sealed class EngineKind(Dictionary<string, Client> clients) : MasterKind
{
    public override IReadOnlyList<string> Compatible => ["foreign,engine"];

    public override MasterDevice CreateModel(MasterSite site) => new Engine(site.Ports[0]);

    public override IDriver CreateDriver(Machine machine) => new EngineDriver(clients);
}

internal sealed class EngineDriver(Dictionary<string, Client> clients) : IDriver
{
    public string Name => "engine";

    public IReadOnlyList<string> Compatible => ["foreign,engine"];

    public IBoundDriver Probe(Device device)
    {
        clients.GetValueOrDefault(device.Name)?.OnProbe?.Invoke();
        return new Bound(() => clients.GetValueOrDefault(device.Name));
    }

    private sealed class Bound(Func<Client?> client) : IBoundDriver
    {
        public void RuntimeSuspend() => client()?.OnSuspend?.Invoke();

        public void RuntimeResume() => client()?.OnResume?.Invoke();

        public void Remove() => client()?.OnRemove?.Invoke();
    }
}
