using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Ats;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

// What accesses of the function may say of themselves.
public partial class PciFunction
{
    private AcsCapability? _acs;
    private AtsCapability? _ats;
    private PriCapability? _pri;
    private PasidCapability? _pasids;
    private SriovCapability? _sriov;
    private (IAtsAgent? Agent, StreamId Stream) _agent; // who knows this function as a device with translations

    /// <summary>Whether software lets the function have translations of its own.</summary>
    public bool CanTranslate => _ats is { IsEnabled: true };

    /// <summary>The page requests that software lets the function have outstanding; 0 while it may send none.</summary>
    public uint PageRequestLimit => _pri?.Limit ?? 0;

    /// <summary>Whether it was told to ask for no more pages, and software has not taken note.</summary>
    public bool HasFailedPageRequests => _pri?.HasFailed == true;

    /// <summary>Its virtual functions, by number; those that are there are on a bus.</summary>
    public IReadOnlyList<PciFunction> VirtualFunctions => _sriov?.Functions ?? [];

    /// <summary>The access control services that are in force.</summary>
    internal AcsFlags Acs => _acs?.InForce ?? AcsFlags.None;

    /// <summary>Who the function is on the bus.</summary>
    /// <param name="pasid">The address space that the access means; null for the one without any.</param>
    /// <param name="flags">What else it says. Only an access with a PASID says any.</param>
    /// <param name="requester">For <see cref="Port"/>.</param>
    /// <returns>False where software does not let it send such accesses.</returns>
    public bool TryGetRequester(Pasid? pasid, AccessFlags flags, out Requester requester)
    {
        requester = new Requester(Port.Stream);
        if (pasid is not { } space)
            return flags == AccessFlags.None;
        if (_pasids is null || !_pasids.Allows(space, flags))
            return false;
        requester = new Requester(Port.Stream, space, flags);
        return true;
    }

    /// <summary>Asks for a translation (ATS).</summary>
    /// <param name="requester">Who asks.</param>
    /// <param name="address">The first byte.</param>
    /// <param name="access">For which access.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <returns>Never <see cref="TranslationStatus.Ok"/> while ATS or the port is off, or the unit gives no translations out.</returns>
    public TranslationResult Translate(in Requester requester, Iova address, DmaAccess access, uint length = 1) =>
        CanTranslate && IsConnected()
            ? Port.Translate(requester, address, access, length)
            : new TranslationResult(TranslationStatus.Aborted);

    /// <summary>Asks for a page (PRI). How many are outstanding is the caller's affair (<see cref="PageRequestLimit"/>).</summary>
    /// <param name="request">The request.</param>
    /// <returns>What becomes of it; <see cref="PageRequestFate.Refused"/> as well where software does not let the function send
    /// requests, and where no unit takes them.</returns>
    public PageRequestFate TryRequestPage(in AtsPageRequest request) =>
        PageRequestLimit > 0 && !HasFailedPageRequests && Port.Passes(request.Page) && Port.Unit is IAtsAgent agent && IsConnected()
            ? agent.TryRequestPage(request)
            : PageRequestFate.Refused;

    /// <summary>An answer came that belongs to no page request.</summary>
    public void NoteUnexpectedAnswer() => _pri?.Note(PriRegisters.UnexpectedIndex);

    /// <summary>The function was told to ask for no more pages.</summary>
    public void NoteFailedAnswer() => _pri?.Note(PriRegisters.ResponseFailure);

    /// <summary>Software switched ATS on or off. The host's lock is held.</summary>
    protected virtual void OnTranslationsSwitched()
    {
    }

    /// <summary>Has the unit know who the function is, if it is a device with translations.</summary>
    private bool IsConnected()
    {
        if (this is not IAtsDevice device || Port.Unit is not IAtsAgent agent || _agent == (agent, Port.Stream))
            return true;
        agent.Connect(Port.Stream, device);
        _agent = (agent, Port.Stream);
        return true;
    }

    /// <summary>Software switched virtual functions on or off. The host's lock is held.</summary>
    internal void SetVirtualFunctions(int count)
    {
        if (Bus is not { } bus)
            return;
        for (var i = 0; i < VirtualFunctions.Count; i++)
        {
            var function = VirtualFunctions[i];
            if (i < count && function.Bus is null)
                bus.EnterVirtual(function, Place + Options.Sriov!.FirstOffset + (i * Options.Sriov.Stride));
            else if (i >= count && function.Bus is not null)
                bus.LeaveVirtual(function);
        }
    }
}
