using System.Globalization;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.Power;

namespace Aperture.Drivers.Pci;

/// <summary>A function with its device. <see cref="Device"/> is what drivers see: BARs in order, interrupts, DMA; the rest is PCI's
/// own.</summary>
/// <remarks>The function may do DMA and send messages while its driver holds it active: bus mastering is a power domain of the
/// device.</remarks>
public sealed class PciDevice : IGateProvider
{
    private readonly PciMastering _mastering;
    private readonly PciVectors? _vectors; // null without messages

    internal PciDevice(PciFunctionInfo function, PciMastering mastering, PciVectors? vectors, Func<PciDevice, Device> make)
    {
        Function = function;
        _mastering = mastering;
        _vectors = vectors;
        Device = make(this);
        Device.BusMastering = mastering;
        Device.Translations = new PciTranslationServices(function.Configuration);
        vectors?.Connect(Device);
    }

    /// <summary>What was found.</summary>
    public PciFunctionInfo Function { get; }

    /// <summary>What drivers see.</summary>
    public Device Device { get; }

    /// <summary>Its configuration space. Bus mastering is the device's affair, and messages are.</summary>
    public PciConfiguration Configuration => Function.Configuration;

    /// <summary>Where it is.</summary>
    public PciAddress Address => Function.Address;

    /// <summary>Whether its interrupts are messages.</summary>
    public bool HasMessages => _vectors is not null;

    /// <summary>The <c>compatible</c> strings of a function: maker and number, then its class with and without the interface. Source: IEEE
    /// 1275 PCI bus binding 2.1, 4.1.2.</summary>
    public static IReadOnlyList<string> CompatibleOf(ushort vendor, ushort device, uint classCode) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"pci{vendor:x},{device:x}"),
        string.Create(CultureInfo.InvariantCulture, $"pciclass,{classCode:x6}"),
        string.Create(CultureInfo.InvariantCulture, $"pciclass,{classCode >> 8:x4}"),
    ];

    /// <summary>Resets the function (function level reset): its registers are as after power-on, but for its BARs and whether it may do
    /// DMA, which it gets back; virtual functions are gone. Its driver must not be busy with it and has no handler for its
    /// messages.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: it has no reset of its own.</exception>
    public void Reset()
    {
        var express = Configuration.Find(CapabilityId.Express);
        if (express == 0
            || (Configuration.Read32(express + ExpressRegisters.DeviceCapabilities) & ExpressRegisters.CanReset) == 0)
            throw new ApertureException(Status.NotSupported, $"{Device.Name} has no reset of its own");
        Configuration.Update16(express + ExpressRegisters.DeviceControl, ExpressRegisters.InitiateReset);
        foreach (var bar in Function.Bars)
        {
            if (bar.Address is not { } address)
                continue;
            Configuration.Write32(bar.Register, (uint)address);
            if (bar.IsWide)
                Configuration.Write32(bar.Register + 4, (uint)(address >> 32));
        }

        PciGrouping.Enable(Function);
        Device.Translations?.Restore();
        _mastering.Update(PciCommand.MemorySpace);
        _mastering.Restore();
    }

    /// <inheritdoc/>
    Status IGateProvider.Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
    {
        gate = kind == GateKind.PowerDomain ? _mastering.Gate : null;
        return gate is null ? Status.NotFound : Status.Ok;
    }

    /// <summary>Lets go of the function: it answers in its configuration space only.</summary>
    internal void Close()
    {
        _vectors?.Dispose();
        if (Configuration.IsPresent)
            _mastering.Update(PciCommand.None, PciCommand.MemorySpace | PciCommand.BusMaster);
    }
}
