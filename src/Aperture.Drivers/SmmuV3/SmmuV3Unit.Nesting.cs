using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Guests' own tables over domains of stage 2.</summary>
/// <remarks>The number of the virtual machine is the parent's. What was translated by both stages is kept under the guest's addresses: no
/// command that names the parent's drops it, nor a context descriptor that was read through stage 2, nor what a device was told.</remarks>
public sealed partial class SmmuV3Unit
{
    /// <summary>Whether a command is of those that a guest may give for its streams.</summary>
    internal static bool IsKindOfGuests(SmmuV3Opcode opcode) => opcode is SmmuV3Opcode.TlbAll or SmmuV3Opcode.TlbAsid
        or SmmuV3Opcode.TlbAddress or SmmuV3Opcode.TlbAddressOfAll or SmmuV3Opcode.TlbNonSecureAll or SmmuV3Opcode.InvalidateContext
        or SmmuV3Opcode.InvalidateContexts or SmmuV3Opcode.AtcInvalidate;

    /// <summary>Whether this unit would take a guest's command.</summary>
    internal bool IsGuests(in SmmuV3Command command) => command.Opcode switch
    {
        SmmuV3Opcode.AtcInvalidate => _identity.HasAts && command.AtcSize <= SmmuV3Command.AtcAll,
        SmmuV3Opcode.TlbAddress or SmmuV3Opcode.TlbAddressOfAll => command.Granule == 0 || _identity.HasRanges,
        var opcode => IsKindOfGuests(opcode),
    };

    /// <summary>Does a guest's commands for its domain.</summary>
    internal Status Invalidate(SmmuV3NestedDomain domain, List<SmmuV3Command> commands)
    {
        Status status;
        Exception? error;
        using (Registers.Hold())
        {
            if (ContextOf(domain.Parent) is not { } context || commands.Count == 0)
                return Status.Ok;
            status = Follow(
                () =>
                {
                    var owesSync = false;
                    foreach (var command in commands)
                    {
                        var isForDevice = command.Opcode == SmmuV3Opcode.AtcInvalidate;
                        if (isForDevice && owesSync)
                            _commands.Sync(); // a device that asks anew gets nothing that the unit was to drop
                        owesSync = !isForDevice;
                        AddGuests(domain, (uint)context.Number, command);
                    }

                    SyncDevices();
                },
                out error);
        }

        Tell(UnitOperation.Invalidate, error, status);
        return status;
    }

    /// <summary>Whether an address space is translated by stage 2, with a guest's stage 1 before it or without.</summary>
    private bool IsBehindStage2(IommuDomain? domain) => domain is SmmuV3NestedDomain || ContextOf(domain) is { IsStage2: true };

    private SmmuV3NestedDomain MakeNested(in DomainRequest request)
    {
        var parent = request.Parent!;
        if (!SmmuV3Tables.TryOf(parent, out var tables) || tables.Format.Kind != ArmLpaeKind.Stage2 || !Accepts(parent))
        {
            throw new ApertureException(
                Status.InvalidArgument, $"IOMMU {Name} nests over domains of stage 2 that it can walk, and this parent is none");
        }

        if (SmmuV3NestedDomain.ProblemOf(request.GuestTable.Span, _identity) is { } problem)
            throw new ApertureException(Status.InvalidArgument, $"IOMMU {Name} cannot follow {problem}");
        return new SmmuV3NestedDomain(parent, request.GuestTable.Span);
    }

    private bool CanNest(SmmuV3NestedDomain domain) => Capabilities.Nesting && Accepts(domain.Parent)
        && SmmuV3NestedDomain.ProblemOf(domain.GuestTable, _identity) is null;

    /// <summary>The entry of a stream in a nested domain.</summary>
    private SmmuV3StreamEntry EntryOf(SmmuV3Master owner, SmmuV3NestedDomain domain)
    {
        var guest = domain.Entry;
        var entry = new SmmuV3StreamEntry { IsValid = true };
        if (domain.Aborts)
            return entry;
        ContextOf(domain.Parent)!.Describe(ref entry, owner.Stalls);
        SetShareability(ref entry, true);
        entry.Ats = owner.HasAts && guest.Ats != 0 ? 1u : 0;
        if (!domain.HasStage1)
            return entry;
        entry.Config = SmmuV3StreamConfig.Nested;
        entry.Contexts = guest.Contexts;
        entry.ContextFormat = guest.SubstreamBits == 0 ? 0 : guest.ContextFormat;
        entry.SubstreamBits = guest.SubstreamBits;
        entry.NoSubstream = guest.NoSubstream;
        entry.ContextAttributes = guest.ContextAttributes;
        // A master that cannot wait does not, whatever the guest says.
        entry.NeverStalls = _identity.Features.StallModel == 0 && (guest.NeverStalls || !owner.Stalls);
        return entry;
    }

    private void AddGuests(SmmuV3NestedDomain domain, uint vmid, in SmmuV3Command command)
    {
        switch (command.Opcode)
        {
            case SmmuV3Opcode.TlbAll or SmmuV3Opcode.TlbNonSecureAll:
                _commands.Add(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, vmid));
                break;
            case SmmuV3Opcode.TlbAsid:
                _commands.Add(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, vmid, command.Asid));
                break;
            case SmmuV3Opcode.TlbAddress or SmmuV3Opcode.TlbAddressOfAll:
                _commands.Add(command.WithMachine(vmid));
                break;
            default:
                foreach (var master in _masters)
                {
                    if (master.Domain != domain)
                        continue;
                    foreach (var stream in master.Streams)
                        AddGuests(master, stream.Value, command);
                }

                break;
        }
    }

    private void AddGuests(SmmuV3Master master, uint stream, in SmmuV3Command command)
    {
        if (command.Opcode == SmmuV3Opcode.InvalidateContexts)
            _commands.Add(SmmuV3Command.DropContexts(stream));
        else if (command.Opcode == SmmuV3Opcode.InvalidateContext)
            _commands.Add(SmmuV3Command.DropContext(stream, command.SubstreamField, command.IsLeafOnly));
        else if (master.HasAts)
            _commands.Add(command.WithStream(stream));
    }

    /// <summary>Drops what was made by way of a domain of stage 2 that changed: it was told of the change itself before.</summary>
    private void DropNested(IommuDomain parent, uint vmid)
    {
        var isParent = false;
        foreach (var master in _masters)
        {
            if (master.Domain is not SmmuV3NestedDomain { HasStage1: true } nested || nested.Parent != parent)
                continue;
            if (!isParent)
                _commands.Sync(); // what is read anew from here on is read by the new tables
            isParent = true;
            foreach (var stream in master.Streams)
                _commands.Add(SmmuV3Command.DropContexts(stream.Value));
        }

        if (isParent)
            _commands.Add(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, vmid));
    }
}
