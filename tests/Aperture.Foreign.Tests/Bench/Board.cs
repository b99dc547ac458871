using Aperture.Boards;
using Aperture.DeviceTrees;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;

namespace Aperture.Foreign.Tests.Bench;

/// <summary>A machine with three devices: A and B reach memory by the way of the setting, C snoops and reaches it directly. All are bound
/// and held active.</summary>
internal sealed class Board : IDisposable
{
    private const uint Low = 0x8000_0000;
    private const uint LowBytes = 2 << 20; // of a machine with most of its memory above 4 GiB
    private readonly Dictionary<string, Client> _clients = [];

    public Board(Setting setting)
    {
        Setting = setting;
        Machine = Machine.Boot(Tree(setting.Way), new MachineOptions
        {
            Masters = [new EngineKind(_clients)],
            Sanitizer = new SanitizerOptions(),
            CpuCaches = setting.Caches,
            IsConfidential = setting.Way == Ways.Confidential,
            DefaultDomain = setting.Way == Ways.Deferred ? DomainType.DmaDeferred : DomainType.Dma,
            Dma = platform =>
            {
                platform.Maintenance = setting.Maintenance;
                platform.ForceBounce = setting.Way is Ways.Bounce or Ways.BounceSnooping;
                platform.Bounce = new BounceOptions { Bytes = 1 << 20, MaxBytes = 1 << 20 };
            },
        });
        foreach (var master in Machine.Masters.Concat(Machine.DirectMasters))
            _clients[master.Device!.Name] = new Client(master.Device, (Engine)master.Client!);
        (A, B, C) = (Find(".a"), Find(".b"), Find(".c"));
        foreach (var client in _clients.Values)
            client.Device.Power.Get();
    }

    public Setting Setting { get; }

    public Machine Machine { get; }

    public Client A { get; }

    public Client B { get; }

    public Client C { get; }

    public SystemMemory Memory => Machine.Drivers.Memory;

    public DmaSanitizer Sanitizer => Machine.Sanitizer!;

    /// <summary>Zeroed memory of its own pages; above 4 GiB where the setting is about that.</summary>
    public MemoryBlock Take(int bytes)
    {
        if (Setting.Way != Ways.HighMemory)
            return Memory.Allocate(bytes);
        var low = new List<MemoryBlock>();
        MemoryBlock block;
        while ((block = Memory.Allocate(bytes)).Address.Value <= uint.MaxValue)
            low.Add(block);
        low.ForEach(taken => Memory.Free(taken));
        return block;
    }

    public MemoryBlock Take(byte[] bytes)
    {
        var block = Take(bytes.Length);
        bytes.CopyTo(block.Span);
        return block;
    }

    public void Free(params ReadOnlySpan<MemoryBlock> blocks)
    {
        foreach (var block in blocks)
            Memory.Free(block);
    }

    /// <summary>Takes the driver away, and binds it again.</summary>
    public void Rebind(Client client)
    {
        Unbind(client);
        Assert.True(Machine.Drivers.Bind(client.Device), Machine.Drivers.WhyUnbound(client.Device));
        client.Device.Power.Get();
    }

    public void Unbind(Client client)
    {
        if (client.Device.Bound is null)
            return;
        client.Device.Power.Put();
        Machine.Drivers.Unbind(client.Device);
    }

    /// <summary>What is left at the end: all drivers go.</summary>
    public void UnbindAll()
    {
        foreach (var client in _clients.Values)
            Unbind(client);
    }

    public void Dispose() => Machine.Dispose();

    private Client Find(string name) => _clients.Values.Single(client => client.Device.Name.EndsWith(name, StringComparison.Ordinal));

    private static DeviceTree Tree(Ways way)
    {
        var hasUnit = (way & Ways.BehindUnit) != 0;
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Cells("#address-cells", 2).Cells("#size-cells", 2).Strings("compatible", "foreign,board")
            .Cells("interrupt-parent", 20);
        writer.BeginNode("memory@80000000").Strings("device_type", "memory");
        if (way == Ways.HighMemory)
            writer.Cells("reg", 0, Low, 0, LowBytes, 1, 0, 0, 64 << 20);
        else
            writer.Cells("reg", 0, Low, 0, 64 << 20);
        writer.EndNode();
        if (way == Ways.Restricted)
        {
            writer.BeginNode("reserved-memory").Cells("#address-cells", 2).Cells("#size-cells", 2).Property("ranges");
            Pool(writer, "pool@81000000", 0x8100_0000, 50);
            Pool(writer, "pool@81200000", 0x8120_0000, 51);
            writer.EndNode();
        }

        writer.BeginNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Cells("ranges");
        writer.BeginNode("controller@1000").Strings("compatible", "foreign,intc").Cells("reg", 0x1000, 0x20)
            .Property("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 20).EndNode();
        writer.BeginNode("mc@10000").Strings("compatible", "nvidia,tegra124-mc").Cells("reg", 0x1_0000, 0x1000)
            .Cells("#iommu-cells", 1).Cells("phandle", 30).Cells("interrupts", 1).EndNode();
        writer.BeginNode("port@20000").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1)
            .Cells("ranges");
        if (way == Ways.Untrusted)
            writer.Property("external-facing");
        Device(writer, "a@20000", 0x2_0000, 5, 50);
        Device(writer, "b@30000", 0x3_0000, 14, 51);
        writer.EndNode();
        writer.BeginNode("c@40000").Strings("compatible", "foreign,engine").Cells("reg", 0x4_0000, 0x1000).Property("dma-coherent")
            .EndNode();
        writer.EndNode();
        writer.EndNode();
        return DeviceTree.Parse(writer.ToArray());

        void Device(DeviceTreeWriter at, string name, uint registers, uint number, uint pool)
        {
            at.BeginNode(name).Strings("compatible", "foreign,engine").Cells("reg", registers, 0x1000).Cells("interrupts", number);
            if (hasUnit)
                at.Cells("iommus", 30, number);
            if ((way & Ways.Snooping) != 0)
                at.Property("dma-coherent");
            if (way == Ways.Restricted)
                at.Cells("memory-region", pool);
            at.EndNode();
        }
    }

    private static void Pool(DeviceTreeWriter writer, string name, uint start, uint handle) =>
        writer.BeginNode(name).Strings("compatible", "restricted-dma-pool").Cells("reg", 0, start, 0, 0x10_0000).Cells("phandle", handle)
            .EndNode();
}
