using Aperture.Datasheets.Pci;

namespace Aperture.Drivers.Pci;

/// <summary>A function that was found, and its place in the tree of bridges.</summary>
public sealed class PciFunctionInfo
{
    private readonly List<PciFunctionInfo> _children = [];

    internal PciFunctionInfo(PciConfiguration configuration, PciFunctionInfo? bridge)
    {
        Configuration = configuration;
        Bridge = bridge;
        bridge?._children.Add(this);
        var ids = configuration.Read32(PciRegisters.Vendor);
        (Vendor, Device) = ((ushort)ids, (ushort)(ids >> 16));
        SriovCapability = configuration.Find(ExtendedCapabilityId.Sriov);
        if (SriovCapability != 0)
            TotalVirtual = configuration.Read16(SriovCapability + SriovRegisters.TotalVfs);
        ClassCode = configuration.Read32(PciRegisters.Revision) >> 8;
        IsBridge = (configuration.Read8(PciRegisters.HeaderType) & PciRegisters.HeaderMask) == PciRegisters.BridgeHeader;
        var express = configuration.Find(CapabilityId.Express);
        if (express != 0)
            Express = ExpressRegisters.PortOf(configuration.Read16(express + ExpressRegisters.Capabilities));
        AcsCapability = configuration.Find(ExtendedCapabilityId.Acs);
    }

    /// <summary>A virtual function: what it does not say itself its function says.</summary>
    internal PciFunctionInfo(PciConfiguration configuration, PciFunctionInfo physical, IReadOnlyList<PciBarInfo> bars)
    {
        Configuration = configuration;
        Bridge = physical.Bridge;
        Physical = physical;
        Vendor = physical.Vendor;
        Device = physical.Configuration.Read16(physical.SriovCapability + SriovRegisters.Device);
        ClassCode = configuration.Read32(PciRegisters.Revision) >> 8;
        Express = physical.Express;
        AcsCapability = configuration.Find(ExtendedCapabilityId.Acs);
        DeviceFunctions = [this];
        Bars = bars;
    }

    /// <summary>Its registers.</summary>
    public PciConfiguration Configuration { get; }

    /// <summary>Where it is.</summary>
    public PciAddress Address => Configuration.Address;

    /// <summary>Who made it.</summary>
    public ushort Vendor { get; }

    /// <summary>What it is, by its maker's number.</summary>
    public ushort Device { get; }

    /// <summary>Class, subclass and interface, 24 bits.</summary>
    public uint ClassCode { get; }

    /// <summary>Whether buses are behind it.</summary>
    public bool IsBridge { get; }

    /// <summary>What it is on PCI Express; null of a conventional function.</summary>
    public ExpressPort? Express { get; }

    /// <summary>The bridge above it; null on the root bus.</summary>
    public PciFunctionInfo? Bridge { get; }

    /// <summary>What is right behind it, of a bridge, in the order in which it was found.</summary>
    public IReadOnlyList<PciFunctionInfo> Children => _children;

    /// <summary>Whether its device has further functions.</summary>
    public bool IsMultiFunction => DeviceFunctions.Count > 1;

    /// <summary>The functions of its device, itself included.</summary>
    internal IReadOnlyList<PciFunctionInfo> DeviceFunctions { get; set; } = [];

    /// <summary>The bus right behind it, of a bridge.</summary>
    public byte Secondary { get; internal set; }

    /// <summary>Its BARs, in order, with the addresses that they were given.</summary>
    public IReadOnlyList<PciBarInfo> Bars { get; internal set; } = [];

    /// <summary>The function whose virtual function it is; null of one that is none.</summary>
    public PciFunctionInfo? Physical { get; }

    /// <summary>How many virtual functions it can have; 0 for none.</summary>
    public int TotalVirtual { get; }

    /// <summary>The BARs that its virtual functions have together: each as large as one function's, and so many of them in a
    /// row.</summary>
    internal IReadOnlyList<PciBarInfo> VirtualBars { get; set; } = [];

    /// <summary>Where its virtualisation is; 0 for none.</summary>
    internal uint SriovCapability { get; }

    /// <summary>Where its access control services are; 0 for none.</summary>
    internal uint AcsCapability { get; }

    /// <summary>Whether it is a port of PCI Express, which leaves numbers as they are.</summary>
    internal bool IsPort => Express is ExpressPort.RootPort or ExpressPort.UpstreamPort or ExpressPort.DownstreamPort;

    /// <summary>Address, vendor and device.</summary>
    public override string ToString() => $"{Address} [{Vendor:x4}:{Device:x4}]";
}

/// <summary>A BAR that was found.</summary>
/// <param name="Number">Its number, 0 to 5; of one with 64 bits the lower one's.</param>
/// <param name="Size">Bytes, a power of two.</param>
/// <param name="IsWide">Whether it has 64 bits.</param>
/// <param name="IsPrefetchable">Whether reads have no side effects.</param>
public sealed record PciBarInfo(int Number, ulong Size, bool IsWide, bool IsPrefetchable)
{
    /// <summary>Where its register is.</summary>
    internal uint Register { get; init; }

    /// <summary>Its address on the bus; null while it has none: there was no room.</summary>
    public ulong? Address { get; internal set; }
}
