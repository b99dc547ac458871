using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A master in a domain with tables, on one unit.</summary>
/// <param name="Master">The master.</param>
/// <param name="Streams">Its streams on the unit.</param>
/// <param name="Domain">The domain.</param>
public sealed record UnitAttachment(Device Master, StreamId[] Streams, IommuDomain Domain);
