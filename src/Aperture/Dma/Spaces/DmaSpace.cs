using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Devices;
using Aperture.Dma.Meters;
using Aperture.Iommu;

namespace Aperture.Dma.Spaces;

/// <summary>One address space through which several devices do DMA whose drivers manage their own: what one of them maps has the same
/// device address for all. Until it is disposed.</summary>
/// <remarks>
/// <para>For displays and the like, one picture for several of which is scanned out at one address; and for remote processors, whose
/// firmware has its places in an address space of which the rest is for ordinary buffers.</para>
/// <para>All or nothing: when a device cannot be put into the space, those before it are put back. Undone by
/// <see cref="Dispose"/>, which puts each device back to where it was; what is still mapped then is told as left behind.</para>
/// </remarks>
public sealed class DmaSpace : IDisposable
{
    private readonly List<(Device Device, IommuGroup Group, IommuDomain? Before)> _devices = []; // and where the group was
    private readonly bool _opened; // whether device addresses are given out only since this space was opened
    private int _isDisposed;

    private DmaSpace(IommuDomain domain, bool opened) => (Domain, _opened) = (domain, opened);

    /// <summary>The address space.</summary>
    public IommuDomain Domain { get; }

    /// <summary>The devices, in the order in which they were given.</summary>
    public IReadOnlyList<Device> Devices => [.. _devices.Select(entry => entry.Device)];

    /// <summary>Puts devices into a domain of the caller's, and lets their DMA API give out its device addresses.</summary>
    /// <param name="domain">A domain with tables that the units of all devices accept. It stays the caller's, who disposes it after the
    /// space.</param>
    /// <param name="options">Which device addresses; null for all.</param>
    /// <param name="devices">At least one; bound, or being bound, to drivers that manage their own DMA
    /// (<see cref="IDriver.ManagesOwnDma"/>).</param>
    /// <exception cref="ApertureException">Nothing was done. <see cref="Status.NotSupported"/>: the domain has no tables, or a device has
    /// no IOMMU; <see cref="Status.NoDevice"/>: one has no driver; <see cref="Status.Busy"/>: a device does DMA through another domain,
    /// somebody else uses its group, or the domain gives out device addresses already and <paramref name="options"/> says which;
    /// <see cref="Status.InvalidArgument"/>: no device, no addresses, or a unit does not accept the domain.</exception>
    public static DmaSpace Open(IommuDomain domain, DmaSpaceOptions? options, params ReadOnlySpan<Device> devices)
    {
        ArgumentNullException.ThrowIfNull(domain);
        if (devices.IsEmpty)
            throw new ApertureException(Status.InvalidArgument, "a space for DMA needs a device");
        foreach (var device in devices)
            Check(device, domain);
        var space = new DmaSpace(domain, GiveOut(domain, options, devices[0]));
        try
        {
            foreach (var device in devices)
                space.Add(device);
        }
        catch
        {
            space.Dispose();
            throw;
        }

        return space;
    }

    /// <summary>Lets devices do DMA through the default domain of a device that was chosen among all, whose driver is an ordinary
    /// one.</summary>
    /// <param name="chosen">A device with a default domain that has tables. The domain lives on for the others when it goes.</param>
    /// <param name="devices">As for <see cref="Open"/>.</param>
    /// <exception cref="ApertureException">As for <see cref="Open"/>; <see cref="Status.NotSupported"/>: <paramref name="chosen"/> has no
    /// such domain, or is in another one.</exception>
    public static DmaSpace OpenDefaultOf(Device chosen, params ReadOnlySpan<Device> devices)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        if (chosen.Iommu?.Group is not { DefaultDomain: { IsPaging: true } domain } group || group.Domain != domain)
            throw new ApertureException(Status.NotSupported, $"{chosen.Name} is in no default domain that others could share");
        return Open(domain, null, devices);
    }

    /// <summary>Puts each device back to where it was, the last one first. A second time it does nothing.</summary>
    /// <exception cref="ApertureException">A unit's driver reported it, as for <see cref="IommuGroup.Detach"/>: all devices have left the
    /// space all the same.</exception>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        var errors = default(ThrownErrors);
        for (var i = _devices.Count - 1; i >= 0; i--)
        {
            var (device, group, before) = _devices[i];
            Try(() => Leave(device), ref errors);
            Try(() => PutBack(group, before), ref errors);
        }

        if (_opened && !Domain.Units.Any())
        {
            lock (Domain)
                Domain.Space = null; // nobody is left to whom it gives addresses: they are the owner's
        }

        errors.Throw();
    }

    private static void Check(Device device, IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!domain.IsPaging)
            throw new ApertureException(Status.NotSupported, $"{device.Name} cannot do DMA through a domain of type {domain.Type}");
        if (!device.Dma.IsOffered)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no driver: it cannot do DMA");
        if (device.Iommu?.Group is not { } group)
            throw new ApertureException(Status.NotSupported, $"{device.Name} is behind no IOMMU: it has no address space to leave");
        if (device.Dma.IsAttached)
            throw new ApertureException(Status.Busy, $"{device.Name} does DMA through a domain already");
        if (group.IsClaimed)
            throw new ApertureException(Status.Busy, $"{device.Name} cannot leave with group {group.Id}, which others use");
    }

    /// <summary>Lets device addresses of a domain be given out.</summary>
    /// <returns>Whether they were not before.</returns>
    private static bool GiveOut(IommuDomain domain, DmaSpaceOptions? options, Device device)
    {
        lock (domain)
        {
            if (domain.Space is not null)
            {
                return options is null ? false : throw new ApertureException(
                    Status.Busy, $"device addresses of the domain are given out already: {device.Name} cannot choose which");
            }

            options ??= new DmaSpaceOptions();
            if (options.Last < options.First || options.First > domain.ApertureEnd || options.Last < domain.ApertureStart)
            {
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"{options.First} to {options.Last} are no device addresses of a domain from {domain.ApertureStart} to "
                    + domain.ApertureEnd);
            }

            var space = new IovaSpace(1UL << BitOperations.TrailingZeroCount(domain.PageSizes), domain.ApertureEnd);
            domain.Reserve(space);
            space.ReserveOutside([(options.First, options.Last < domain.ApertureEnd ? options.Last : domain.ApertureEnd)]);
            foreach (var (first, last) in options.Reserved)
            {
                if (last < first)
                    throw new ApertureException(Status.InvalidArgument, $"a reserved window ends at {last}, before it begins at {first}");
                space.Reserve(first, Math.Max(last - first, last - first + 1)); // all 2^64 bytes are as many as can be said
            }

            domain.Space = space;
            DmaMeter.Watch(domain, device.Name);
            return domain.Type == DomainType.Unmanaged;
        }
    }

    private void Add(Device device)
    {
        var group = device.Iommu!.Group;
        var before = group.Domain;
        if (before != Domain)
            group.Replace(Domain);
        _devices.Add((device, group, before));
        device.Dma.UseDomain(Domain);
    }

    private static void Try(Action step, ref ThrownErrors errors)
    {
        try
        {
            step();
        }
        catch (Exception error)
        {
            errors.Add(error);
        }
    }

    private void Leave(Device device)
    {
        if (device.Dma.IsOffered && device.Dma.Domain == Domain)
            device.Dma.LeaveDomain();
    }

    private void PutBack(IommuGroup group, IommuDomain? before)
    {
        if (before == Domain || group.Domain != Domain)
            return; // it was there before, or is elsewhere already
        if (before is null || before == group.DefaultDomain)
            group.Detach(Domain);
        else
            group.Replace(before);
    }
}
