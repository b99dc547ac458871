using System.Globalization;
using Aperture.Core;
using Aperture.Core.Addresses;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aperture.Linux.Hosts;

/// <summary>This host as its kernel describes it: PCI functions, IOMMU groups, drivers. Takes a function from its kernel driver and gives
/// it back.</summary>
public sealed partial class LinuxHost
{
    /// <summary>The kernel driver that hands PCI functions to processes.</summary>
    public const string VfioDriver = "vfio-pci";

    private const uint VirtioVendor = 0x1AF4;
    private const string DevicesPath = "sys/bus/pci/devices";

    private readonly HostFiles _files;
    private readonly BindJournal _journal;
    private readonly ILogger _logger;

    /// <summary>The host.</summary>
    /// <param name="root">Where the file system with <c>sys</c>, <c>proc</c>, <c>dev</c> and <c>run</c> begins; something else than
    /// <c>/</c> for tests.</param>
    /// <param name="logger">Hears of every device that is taken without an IOMMU in front of it, or null.</param>
    public LinuxHost(string root = "/", ILogger? logger = null)
        : this(new HostFiles(root), logger)
    {
    }

    internal LinuxHost(HostFiles files, ILogger? logger = null)
    {
        _files = files;
        _logger = logger ?? NullLogger.Instance;
        _journal = new BindJournal(files.PathOf("run/aperture/bound"));
    }

    /// <summary>The PCI functions, by address.</summary>
    public IReadOnlyList<PciFunction> Functions => [.. _files.List(DevicesPath).Select(Read)];

    /// <summary>A PCI function.</summary>
    /// <param name="address">Its address, in letters of any case; the domain 0000 may be left out. <see cref="PciFunction.Address"/> of
    /// the answer is the address as the kernel writes it, the one name of the function everywhere here.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: there is none.</exception>
    public PciFunction Find(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var full = (address.Count(c => c == ':') == 1 ? $"0000:{address}" : address).ToLowerInvariant();
        if (full.Length == 0 || full.Contains('/') || !_files.Exists($"{DevicesPath}/{full}"))
        {
            throw new ApertureException(
                Status.NoDevice, $"there is no PCI function {address}; 'aperture host list' shows those that there are");
        }
        return Read(full);
    }

    /// <summary>The IOMMU group of a function.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: there is no such function, or it has no IOMMU; the message
    /// says what to do.</exception>
    public int GroupOf(string address)
    {
        var function = Find(address);
        return function.Group ?? throw new ApertureException(Status.NoDevice, NoIommu(function).ToString());
    }

    /// <summary>Warns of a function without an IOMMU, every time.</summary>
    [LoggerMessage(1, LogLevel.Warning, "{warning}")]
    internal static partial void LogNoIommu(ILogger logger, string warning);

    /// <summary>All functions of a group.</summary>
    public IReadOnlyList<PciFunction> FunctionsOf(int group) =>
        [.. _files.List($"{GroupPath(group)}/devices").Where(address => _files.Exists($"{DevicesPath}/{address}")).Select(Read)];

    /// <summary>How the kernel drives a group's devices while they have drivers of its own.</summary>
    /// <param name="group">The group's number.</param>
    public GroupReport ReportOf(int group)
    {
        // Documented kernel ABI: sysfs-kernel-iommu_groups
        var type = _files.Read($"{GroupPath(group)}/type");
        var widths = FunctionsOf(group).Select(function => AddressBits($"{DevicesPath}/{function.Address}")).OfType<int>().ToArray();
        return new GroupReport(group, type, widths.Length == 0 ? null : widths.Min(), ReservedRanges(group));
    }

    /// <summary>How many address bits the Intel unit in front of a device translates: MGAW, bits 21:16 of its capability register, and
    /// one (VT-d specification, 11.4.2). The kernel tells of no other kind of unit.</summary>
    private int? AddressBits(string device)
    {
        var text = _files.Read($"{device}/iommu/intel-iommu/cap");
        return text is not null && TryParse(text, out var capability) ? (int)((capability >> 16) & 0x3F) + 1 : null;
    }

    private static string GroupPath(int group) => string.Create(CultureInfo.InvariantCulture, $"sys/kernel/iommu_groups/{group}");

    /// <summary>Device addresses of a group that the platform keeps for itself.</summary>
    public IReadOnlyList<ReservedRange> ReservedRanges(int group)
    {
        var ranges = new List<ReservedRange>();
        var lines = _files.Read($"{GroupPath(group)}/reserved_regions") ?? "";
        foreach (var line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is [var first, var last, var kind] && TryParse(first, out var from) && TryParse(last, out var to))
                ranges.Add(new ReservedRange(new IovaRange(new Iova(from), new Iova(to)), kind));
        }

        return ranges;
    }

    private static bool TryParse(string text, out ulong value)
    {
        var digits = text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : text;
        return ulong.TryParse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>The kind of an IOMMU by its name; one of a virtual machine is called by its own PCI address.</summary>
    private IommuKind KindOf(string? unit) => unit switch
    {
        null => IommuKind.None,
        _ when _files.ReadNumber($"{DevicesPath}/{unit}/vendor") == VirtioVendor => IommuKind.Virtio,
        _ when unit.StartsWith("dmar", StringComparison.Ordinal) => IommuKind.Intel,
        _ when unit.StartsWith("ivhd", StringComparison.Ordinal) => IommuKind.Amd,
        _ when unit.StartsWith("virtio", StringComparison.Ordinal) => IommuKind.Virtio,
        _ when unit.StartsWith("smmu3", StringComparison.Ordinal) => IommuKind.ArmSmmuV3,
        _ when unit.StartsWith("smmu", StringComparison.Ordinal) => IommuKind.ArmSmmu,
        _ => IommuKind.Other,
    };

    private PciFunction Read(string address)
    {
        var path = $"{DevicesPath}/{address}";
        int? group = _files.ReadLink($"{path}/iommu_group") is { } number ? int.Parse(number, CultureInfo.InvariantCulture) : null;
        var isConfined = group is { } made && !_files.Exists(NoIommuMode.GroupFile(made, isNoIommu: true));
        var wanted = _files.Read($"{path}/driver_override");
        return new PciFunction(
            address,
            (ushort)(_files.ReadNumber($"{path}/vendor") ?? 0),
            (ushort)(_files.ReadNumber($"{path}/device") ?? 0),
            _files.ReadNumber($"{path}/class") ?? 0,
            _files.ReadLink($"{path}/driver"),
            wanted is null or "" or "(null)" ? null : wanted,
            group,
            isConfined ? KindOf(_files.ReadLink($"{path}/iommu") ?? "?") : IommuKind.None);
    }
}
