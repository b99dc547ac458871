using System.Numerics;
using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>What an address space has to be. What the unit in front of the device cannot do is refused, with the name of the unit and of
/// what it lacks.</summary>
/// <param name="Type">What it is for; never <see cref="DomainType.Identity"/> or <see cref="DomainType.Blocked"/>, which the core
/// has.</param>
/// <param name="Device">The master that it is made for, which others may join; null when only the unit is known. Two units of one kind may
/// differ.</param>
public readonly record struct DomainRequest(DomainType Type, Device? Device = null)
{
    /// <summary>For <see cref="DomainType.Nested"/>: the address space in which the guest's physical addresses are.</summary>
    public IommuDomain? Parent { get; init; }

    /// <summary>For <see cref="DomainType.Nested"/>: the guest's words that say where its tables are and of what kind, as the unit's own
    /// structures have them.</summary>
    public ReadOnlyMemory<ulong> GuestTable { get; init; }

    /// <summary>For <see cref="DomainType.Shared"/>: whose tables they are.</summary>
    public ISharedTables? Tables { get; init; }

    /// <summary>Which stage its tables are for; <see cref="TranslationStages.None"/> for the unit's own choice.</summary>
    public TranslationStages Stage { get; init; }

    /// <summary>Bits of a device address; 0 for as many as the unit has.</summary>
    public int InputBits { get; init; }

    /// <summary>The page sizes to use, one bit each, the unit's smallest among them; 0 for all that the unit has.</summary>
    public ulong PageSizes { get; init; }

    /// <summary>Whether written pages are to be told (<see cref="IommuDomain.ReadAndClearDirty"/>).</summary>
    public bool TracksDirty { get; init; }

    /// <summary>What of this a unit does not have.</summary>
    /// <returns><see cref="Status.Ok"/>, or why the unit refuses it, with the reason in <paramref name="why"/>.</returns>
    internal Status Check(IommuCapabilities unit, out string why)
    {
        var (status, reason) = Type switch
        {
            DomainType.Identity or DomainType.Blocked => (Status.InvalidArgument, "domains of this type are the core's"),
            DomainType.Nested when !unit.Nesting => (Status.NotSupported, $"no nested domains ({nameof(IommuCapabilities.Nesting)})"),
            DomainType.Nested when Parent is not { IsPaging: true } =>
                (Status.InvalidArgument, "a nested domain needs a parent with tables"),
            DomainType.Shared when !unit.SharedTables =>
                (Status.NotSupported, $"no shared tables ({nameof(IommuCapabilities.SharedTables)})"),
            DomainType.Shared when Tables is null => (Status.InvalidArgument, "a shared domain needs somebody's tables"),
            not DomainType.Nested when Parent is not null => (Status.InvalidArgument, "only a nested domain has a parent"),
            not DomainType.Shared when Tables is not null => (Status.InvalidArgument, "only a shared domain has somebody else's tables"),
            _ => (Status.Ok, ""),
        };
        if (status == Status.Ok)
            (status, reason) = CheckShape(unit);
        why = reason;
        return status;
    }

    private (Status Status, string Why) CheckShape(IommuCapabilities unit)
    {
        if (Stage != TranslationStages.None && (unit.Stages & Stage) != Stage)
            return (Status.NotSupported, $"no tables of the {Stage} stage ({nameof(IommuCapabilities.Stages)}: {unit.Stages})");
        if (TracksDirty && !unit.DirtyTracking)
            return (Status.NotSupported, $"no account of written pages ({nameof(IommuCapabilities.DirtyTracking)})");
        var bits = 64 - BitOperations.LeadingZeroCount(unit.ApertureEnd.Value);
        if (InputBits < 0 || InputBits > bits)
        {
            var end = $"{nameof(IommuCapabilities.ApertureEnd)}: {unit.ApertureEnd}";
            return (Status.OutOfRange, $"no device addresses of {InputBits} bits ({end})");
        }

        var smallest = unit.PageSizes & (~unit.PageSizes + 1);
        if (PageSizes == 0 || ((PageSizes & ~unit.PageSizes) == 0 && (PageSizes & smallest) != 0))
            return (Status.Ok, "");
        var sizes = $"{nameof(IommuCapabilities.PageSizes)}: 0x{unit.PageSizes:x}";
        return (Status.NotSupported, $"no page sizes 0x{PageSizes:x} ({sizes})");
    }
}
