using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Firmware;

/// <summary>A firmware's description of a machine, as far as IOMMUs are concerned. Core and drivers see what it yields and not what it
/// is.</summary>
public interface IFirmware
{
    /// <summary>Who a device is that the description has by itself.</summary>
    /// <param name="device">What stands for the device in the description: a node of a device tree.</param>
    /// <returns><see cref="MasterIdentity.None"/> when its DMA passes no IOMMU.</returns>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the description refers to a unit that is none, or reserves
    /// what cannot be; the message names the device. Also when <paramref name="device"/> is nothing of this description.</exception>
    MasterIdentity Identify(object device);

    /// <summary>Who a device is that sits on a bus and has a number there.</summary>
    /// <param name="bus">What stands for the bus's host in the description.</param>
    /// <param name="id">The number: a requester id (bus, device and function) on PCI, a stream number elsewhere.</param>
    /// <param name="aliases">Further numbers that the device's accesses may carry.</param>
    /// <returns>No units when the description says that this number passes untranslated.</returns>
    /// <exception cref="ApertureException">As for <see cref="Identify(object)"/>; <see cref="Status.NoDevice"/>: the description
    /// says nothing about numbers on this bus.</exception>
    MasterIdentity Identify(object bus, uint id, params ReadOnlySpan<uint> aliases);
}
