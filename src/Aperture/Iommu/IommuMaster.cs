using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>Where a master meets a unit.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Streams">By which numbers the unit knows the master; units with a single master use stream 0.</param>
public sealed record MasterPort(IommuUnit Unit, StreamId[] Streams);

/// <summary>A reference from a master's description to a unit.</summary>
/// <param name="Unit">Identifies the unit: the <see cref="Device.Key"/> of the unit's device.</param>
/// <param name="UnitName">The unit's name, for messages.</param>
/// <param name="Cells">The cells behind the reference.</param>
public readonly record struct IommuSpecifier(object Unit, string UnitName, uint[] Cells);

/// <summary>What the IOMMU core knows about a device that does DMA through units.</summary>
public sealed class IommuMaster
{
    internal IommuMaster(Device device, MasterPort[] ports, IommuGroup group, int pasidBits = 0)
    {
        Device = device;
        Ports = ports;
        Group = group;
        PasidBits = pasidBits;
    }

    /// <summary>The device.</summary>
    public Device Device { get; }

    /// <summary>Its ports, one for each unit, in the order of the description.</summary>
    public IReadOnlyList<MasterPort> Ports { get; }

    /// <summary>Its group.</summary>
    public IommuGroup Group { get; }

    /// <summary>Bits of the process IDs that it can send; 0 for none.</summary>
    public int PasidBits { get; }

    /// <summary>The address space it is in.</summary>
    public IommuDomain? Domain => Group.Domain;

    /// <summary>Makes an address space for this master that all of its units can use.</summary>
    /// <param name="request">What it has to be; the device is this one.</param>
    /// <exception cref="ApertureException">As for <see cref="IommuUnit.CreateDomain(in DomainRequest)"/>, by the first of its units;
    /// <see cref="Status.InvalidArgument"/>: another one cannot use what that one made.</exception>
    public IommuDomain CreateDomain(in DomainRequest request)
    {
        var domain = Ports[0].Unit.CreateDomain(request with { Device = Device });
        if (Ports.FirstOrDefault(port => !port.Unit.Accepts(domain)) is not { } other)
            return domain;
        domain.Dispose();
        if (other.Unit == Ports[0].Unit)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"{Device.Name}: IOMMU {other.Unit.Name} does not accept what it makes itself");
        }

        throw new ApertureException(
            Status.InvalidArgument,
            $"{Device.Name} is behind units of different kinds: what {Ports[0].Unit.Name} makes {other.Unit.Name} cannot use");
    }
}
