using Aperture.Boards;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Nvme;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Machine_ = Aperture.Boards.Machine;

namespace Aperture.Drivers.Tests.Nvme;

/// <summary>A controller on a way to memory, with its driver, two namespaces (512 and 4096 byte blocks) and the sanitizer.</summary>
public sealed class NvmeBench : IDisposable
{
    /// <summary>The ways.</summary>
    public static readonly string[] Ways = ["direct", "noncoherent", "strict", "deferred", "bounce", "strict-noncoherent"];

    private readonly PluggedBlock _plug;

    public NvmeBench(string way, NvmeDriverOptions? options = null, NvmeOptions? model = null, bool isBound = true, bool isWatched = true,
        TimeSpan pause = default)
    {
        Machine = Machine_.Boot(Tree(), new MachineOptions
        {
            Sanitizer = isWatched ? new SanitizerOptions() : null,
            DefaultDomain = way == "deferred" ? DomainType.DmaDeferred : DomainType.Dma,
            CpuCaches = way.EndsWith("noncoherent", StringComparison.Ordinal) ? new CpuCacheOptions { ChaosSeed = 5 } : null,
            Dma = platform => platform.ForceBounce = way == "bounce",
        });
        Small = new NvmeNamespace(new byte[4 << 20]);
        Large = new NvmeNamespace(new byte[4 << 20], 12);
        var isBehind = way is "strict" or "deferred" or "strict-noncoherent";
        var master = way == "strict-noncoherent" ? Machine.Masters[1] : Machine.Masters[^1];
        _plug = isBehind ? Machine.Plug(master, ports => Make(ports[0]))
            : Machine.Plug("aperture,nvme", Make, new DeviceDescription { IsCoherent = way != "noncoherent" });
        Options = (options ?? new NvmeDriverOptions()) with { Queues = options?.Queues ?? 1 };
        Registers = new FaultyRegisters(Device.Registers[0]);
        Device.Registers[0] = Registers;
        if (isBound)
            Bind();

        NvmeController Make(DmaPort port) => Model = new NvmeController(port, model, Small, Large)
        {
            Pace = pause > TimeSpan.Zero ? new MasterPace(Machine.Clock, 4096, pause) : null,
        };
    }

    public Machine_ Machine { get; }

    public NvmeController Model { get; private set; } = null!;

    public NvmeNamespace Small { get; }

    public NvmeNamespace Large { get; }

    public NvmeDriverOptions Options { get; }

    public FaultyRegisters Registers { get; }

    public Device Device => _plug.Device;

    public NvmeClient Client => (NvmeClient)Device.Bound!;

    public DmaSanitizer Sanitizer => Machine.Sanitizer!;

    public NvmeNamespaceDevice Disk(bool isLarge) => Client.Namespaces[isLarge ? 1 : 0];

    public byte[] Content(bool isLarge) => (isLarge ? Large : Small).Content.ToArray();

    /// <summary>Binds the driver.</summary>
    public string? TryBind()
    {
        if (Device.Driver is not null)
            Machine.Drivers.Unbind(Device);
        var driver = new NvmeDriver(Machine.Clock, Options, Device.Description.Compatible);
        return Machine.Drivers.Bind(Device, driver) ? null : Machine.Drivers.WhyUnbound(Device);
    }

    public void Bind() => Assert.Null(TryBind());

    /// <summary>Unbinds the driver and looks for what it left behind.</summary>
    public void AssertClean()
    {
        if (Device.Bound is not null)
            Machine.Drivers.Unbind(Device);
        Machine.Sanitizer?.AssertClean();
    }

    public void Dispose()
    {
        Registers.IsGone = false;
        _plug.Dispose();
        Machine.Dispose();
    }

    private static DeviceTree Tree()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at!.FullName, "Aperture.slnx")))
            at = at.Parent;
        return DeviceTree.Parse(File.ReadAllBytes(Path.Combine(at.FullName, "boards", "edu.dtb")));
    }
}
