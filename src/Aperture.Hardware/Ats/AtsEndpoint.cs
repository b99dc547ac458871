using Aperture.Core;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Pci;

namespace Aperture.Hardware.Ats;

/// <summary>A PCI function that keeps translations of its own and asks for pages: ATS, PRI and PASID, with channels that read and write
/// memory (docs/units/ats-endpoint.md). A device of this project.</summary>
public sealed class AtsEndpoint : PciFunction, IAtsDevice
{
    private const int PageRequestsUnlessSaid = 64;

    private readonly AtsEndpointOptions _options;

    /// <summary>A function.</summary>
    /// <param name="bus">The bus on the other side of its host.</param>
    /// <param name="options">What it is like.</param>
    /// <param name="function">What the function can do; an endpoint with ATS, 64 page requests, 20 bits of process and one vector of MSI
    /// when null.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there is no such function.</exception>
    public AtsEndpoint(SystemBus bus, AtsEndpointOptions? options = null, PciFunctionOptions? function = null)
        : base(bus, new PciIdentity(AtsEndpointRegisters.Vendor, AtsEndpointRegisters.Device) { Revision = 1, ClassCode = 0x12_00_00 },
            function ?? new PciFunctionOptions
            {
                MsiVectors = 1,
                HasAts = true,
                PageRequests = PageRequestsUnlessSaid,
                PasidBits = Pasid.MaxBits,
            })
    {
        _options = options ?? new AtsEndpointOptions();
        _options.Validate();
        Translations = new AddressTranslationCache(_options.Translations, _options.KeepsProcesses);
        Engine = new AtsEngine(this, _options);
        AddBar(0, new PciBar(Engine));
        Connect(Engine.Interrupt);
    }

    /// <summary>Its translations.</summary>
    public AddressTranslationCache Translations { get; }

    /// <summary>Its registers and channels.</summary>
    public AtsEngine Engine { get; }

    /// <inheritdoc/>
    public bool TryInvalidate(in AtsInvalidation what)
    {
        if (!_options.AnswersInvalidations)
            return false;
        Translations.Invalidate(what);
        return true;
    }

    /// <inheritdoc/>
    public void EndAccesses() => Translations.EndUses();

    /// <inheritdoc/>
    public void Answer(in PageAnswer answer) => Engine.Answer(answer);

    /// <inheritdoc/>
    protected override void OnTranslationsSwitched()
    {
        if (!_options.KeepsWhileOff)
            Translations.InvalidateAll();
    }

    /// <inheritdoc/>
    protected override void OnReset() => Translations.InvalidateAll();
}
