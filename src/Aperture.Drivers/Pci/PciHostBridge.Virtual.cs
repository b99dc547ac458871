using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Drivers.Pci;

// Virtual functions.
public sealed partial class PciHostBridge
{
    /// <summary>Lets a function have virtual functions, and adds a device for each.</summary>
    /// <param name="physical">The function, in this host.</param>
    /// <param name="count">How many, from 1 to what it can have; it has none now.</param>
    /// <returns>The devices, in order of their numbers.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: it can have none; <see cref="Status.OutOfRange"/>: not so
    /// many; <see cref="Status.Busy"/>: it has some; <see cref="Status.NoSpace"/>: their numbers lie on another bus, or their BARs found no
    /// room.</exception>
    public IReadOnlyList<PciDevice> AddVirtualFunctions(PciDevice physical, int count)
    {
        ArgumentNullException.ThrowIfNull(physical);
        var function = physical.Function;
        if (function.TotalVirtual == 0)
            throw new ApertureException(Status.NotSupported, $"{physical.Device.Name} can have no virtual functions");
        if (count < 1 || count > function.TotalVirtual)
        {
            throw new ApertureException(
                Status.OutOfRange, $"{physical.Device.Name} can have {function.TotalVirtual} virtual functions, not {count}");
        }

        if (Devices.Any(device => device.Function.Physical == function))
            throw new ApertureException(Status.Busy, $"{physical.Device.Name} has virtual functions already");
        if (function.VirtualBars.Any(bar => bar.Address is null))
            throw new ApertureException(Status.NoSpace, $"BARs of virtual functions of {physical.Device.Name} found no room");
        var (registers, at) = (function.Configuration, function.SriovCapability);
        int[] ids =
        [
            .. Enumerable.Range(0, count).Select(number => function.Address.Value + registers.Read16(at + SriovRegisters.FirstOffset)
                + (number * registers.Read16(at + SriovRegisters.Stride))),
        ];
        if (ids[^1] >> 8 != function.Address.Bus)
            throw new ApertureException(Status.NoSpace, $"virtual functions of {physical.Device.Name} would be on another bus");
        ForwardAri(function);
        registers.Write16(at + SriovRegisters.NumVfs, (ushort)count);
        registers.Update16(
            at + SriovRegisters.Control, SriovRegisters.Enable | SriovRegisters.MemorySpace | SriovRegisters.AriHierarchy);
        PciDevice[] devices = [.. ids.Select((id, number) => _make(Virtual(function, new PciAddress((ushort)id), (ulong)number)))];
        Add(devices);
        return devices;
    }

    /// <summary>Takes a function's virtual functions away, their drivers first.</summary>
    /// <param name="physical">The function.</param>
    public void RemoveVirtualFunctions(PciDevice physical)
    {
        ArgumentNullException.ThrowIfNull(physical);
        foreach (var device in Devices.Where(device => device.Function.Physical == physical.Function).Reverse())
            Remove(device);
        if (physical.Function.SriovCapability is > 0 and var at && physical.Configuration.IsPresent)
            physical.Configuration.Update16(at + SriovRegisters.Control, 0, SriovRegisters.Enable | SriovRegisters.MemorySpace);
    }

    private PciFunctionInfo Virtual(PciFunctionInfo physical, PciAddress address, ulong number)
    {
        var configuration = new PciConfiguration(Device.Registers[0], _firstBus, address, isVirtual: true);
        if (!configuration.IsPresent)
            throw new ApertureException(Status.NoDevice, $"virtual function {address} of {physical} did not come");
        return new PciFunctionInfo(configuration, physical,
            [.. physical.VirtualBars.Select(bar => bar with { Address = bar.Address + (number * bar.Size) })]);
    }

    /// <summary>The port above a function passes on numbers of other devices than 0.</summary>
    private static void ForwardAri(PciFunctionInfo function)
    {
        if (function.Bridge is not { Express: ExpressPort.RootPort or ExpressPort.DownstreamPort, Configuration: var port })
            return;
        var express = port.Find(CapabilityId.Express);
        if ((port.Read32(express + ExpressRegisters.DeviceCapabilities2) & ExpressRegisters.CanForwardAri) != 0)
            port.Update16(express + ExpressRegisters.DeviceControl2, ExpressRegisters.ForwardAri);
    }
}
