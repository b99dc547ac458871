using System.Text.RegularExpressions;
using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Datasheets.Rockchip;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.ModelGuests;

/// <summary>A unit, the kernel that drives it, and how its faults look there.</summary>
/// <param name="Name">The unit's name, and its tree's.</param>
/// <param name="Board">The machine and the kernel.</param>
/// <param name="Make">Makes the unit.</param>
/// <param name="Stream">The disk's stream.</param>
/// <param name="IsFlush">Whether a register write, by offset and value, removes translations.</param>
/// <param name="Fault">How the kernel prints a fault: groups "address" and, where it says so, "type".</param>
/// <param name="MiB">How much is written to the disk and read back.</param>
internal sealed partial record GuestKind(
    string Name, Board Board, Func<SystemBus, TranslationUnit> Make, uint Stream, Func<uint, uint, bool> IsFlush, Regex Fault, int MiB)
{
    private const uint NvmeRequester = 2 << 3; // slot 2, function 0
    private const uint SdHost = 20; // Tegra124's swgroup of the first SD host

    /// <summary>What must be done before the disk's driver is loaded.</summary>
    public string Before { get; init; } = "";

    /// <summary>The kernel's tables have no rights, so that a unit cannot get them wrong.</summary>
    public bool HasRights { get; init; } = true;

    /// <summary>Whether the kernel can put off flushes: the DMA mapping of 32-bit Arm cannot.</summary>
    public bool CanBeLazy { get; init; }

    /// <summary>Makes the disk: of its port, what is on it, and where it goes astray.</summary>
    public Func<DmaPort, byte[], Iova, GuestDisk> MakeDisk { get; init; } = GuestDisk.Virtio;

    /// <summary>The disk's function in its slot: 0 for one that the guest finds by itself.</summary>
    public int DiskFunction { get; init; } = 1;

    /// <summary>Whether its guests are also shown defects; not where another kind shows those of the same unit, in less time.</summary>
    public bool ShowsDefects { get; init; } = true;

    /// <summary>Where the disk's registers are.</summary>
    public uint DiskAddress { get; init; } = 0x1000_1000;

    /// <summary>The registers of a unit that ignores flushes, where these are no register writes by themselves.</summary>
    public Func<SystemBus, IMmioDevice, IMmioDevice>? WithoutFlushes { get; init; }

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<GuestKind> All { get; } =
    [
        new("rockchip", Board.Arm64, bus => new RockchipIommu(bus, new RockchipIommuOptions()), 0,
            (offset, value) => offset == RockchipMmuRegister.ZapLine
                || (offset == RockchipMmuRegister.Command && value == (uint)RockchipMmuCommand.ZapCache),
            RockchipFault(), 4)
        {
            // The unit sleeps while no master is awake, and this disk's driver knows nothing of power.
            Before = "echo on > /sys/bus/platform/devices/10000000.iommu/power/control",
            CanBeLazy = true,
        },
        new("tegra", Board.Arm, bus => new TegraSmmu(bus, TegraSmmuOptions.Tegra124), SdHost,
            (offset, _) => offset is TegraMcRegister.TlbFlush or TegraMcRegister.PtcFlush, TegraFault(), 4),
        new("omap", Board.Arm, bus => new OmapMmu(bus, new OmapMmuOptions()), 0,
            (offset, _) => offset is OmapRegisters.GlobalFlush or OmapRegisters.FlushEntry, OmapFault(), 1)
        {
            HasRights = false,
        },
        new("smmuv3", Board.Arm64, bus => new SmmuV3(bus, new SmmuV3Options()), 7, (_, _) => false, SmmuV3Fault(), 4)
        {
            DiskAddress = 0x1010_0000,
            CanBeLazy = true,
            WithoutFlushes = (bus, unit) => new DefectiveCommands(bus, unit),
        },
        new("smmuv3-nvme", Board.Arm64, bus => new SmmuV3(bus, new SmmuV3Options()), NvmeRequester, (_, _) => false, SmmuV3Fault(), 8)
        {
            MakeDisk = GuestDisk.Nvme,
            DiskFunction = 0,
            CanBeLazy = true,
            ShowsDefects = false,
        },
    ];

    [GeneratedRegex(@"Page fault at 0x0*(?<address>[0-9a-f]+) of type (?<type>read|write)")]
    private static partial Regex RockchipFault();

    [GeneratedRegex(@": (?<type>read|write) @0x0*(?<address>[0-9a-f]+): Page fault")]
    private static partial Regex TegraFault();

    // Four words, a line each; the third is the address.
    [GeneratedRegex(@"event 0x10 received:\s*\n[^\n]*\n[^\n]*\n[^\n]*0x0*(?<address>[0-9a-f]+)")]
    private static partial Regex SmmuV3Fault();

    [GeneratedRegex(@"errs:0x00000002 da:0x0*(?<address>[0-9a-f]+)")]
    private static partial Regex OmapFault();
}
