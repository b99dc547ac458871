using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Iommu;

namespace Aperture.Firmware;

/// <summary>A device tree's view of the masters: <c>iommus</c> for devices of their own, <c>iommu-map</c> for devices on a bus,
/// <c>iommu-addresses</c> for what they must leave alone.</summary>
public sealed partial class DeviceTreeFirmware : IFirmware
{
    /// <inheritdoc/>
    public MasterIdentity Identify(object device)
    {
        var node = NodeOf(device);
        var units = new List<IommuSpecifier>();
        foreach (var reference in node.Iommus())
        {
            if (reference.Error == PhandleError.Empty)
                continue; // a hole in the list: the place of this entry is kept for another one
            if (!reference.IsValid)
                throw Wrong(node, $"iommus entry <0x{reference.Phandle:x}> does not resolve: {reference.Error}");
            if (reference.Target.IsPresent) // one that is switched off is none
                units.Add(Specifier(reference.Target, [.. reference.Arguments]));
        }

        if (units.Count == 0)
            return MasterIdentity.None;
        var pasidBits = node.U32("pasid-num-bits") ?? 0;
        if (pasidBits > Pasid.MaxBits)
            throw Wrong(node, $"pasid-num-bits is {pasidBits}, more than {Pasid.MaxBits}");
        return new MasterIdentity { Units = units, Reservations = ReservationsOf(node), PasidBits = (int)pasidBits };
    }

    /// <inheritdoc/>
    public MasterIdentity Identify(object bus, uint id, params ReadOnlySpan<uint> aliases)
    {
        var node = NodeOf(bus);
        var units = new List<IommuSpecifier>();
        Add(node, id, units);
        foreach (var alias in aliases)
            Add(node, alias, units);
        return new MasterIdentity
        {
            Units = units,
            Aliases = aliases.ToArray(),
            IsAtsAllowed = units.Count > 0 && node.Has("ats-supported"),
        };
    }

    private static void Add(DeviceTreeNode node, uint id, List<IommuSpecifier> units)
    {
        var status = node.TryMapIommuId(id, out var unit, out var cells);
        if (status == Status.NoDevice)
            throw new ApertureException(status, $"{node.Path}: there is no iommu-map, so nothing is known of id 0x{id:x}");
        if (status != Status.Ok)
            throw Wrong(node, $"iommu-map cannot be read ({status})");
        if (unit is not { IsPresent: true })
            return;
        var specifier = Specifier(unit, [.. cells]);
        if (!units.Exists(known => known.Unit == specifier.Unit && known.Cells.AsSpan().SequenceEqual(specifier.Cells)))
            units.Add(specifier);
    }

    private static IommuSpecifier Specifier(DeviceTreeNode unit, uint[] cells) => new(unit, unit.DeviceName, cells);

    private static DeviceTreeNode NodeOf(object device) =>
        device as DeviceTreeNode ?? throw new ApertureException(Status.InvalidArgument, $"{device} is no node of a device tree");

    private static ApertureException Wrong(DeviceTreeNode node, string what) => new(Status.InvalidArgument, $"{node.Path}: {what}");
}
