using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>Context banks, and whose accesses lead to which.</summary>
public sealed partial class MsmIommuUnit
{
    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return domain.Type == DomainType.Identity
            || (domain is PagingDomain<ArmShortFormat> paging && paging.Table.Format.Equals(s_format));
    }

    /// <inheritdoc/>
    /// <remarks>The bank that the domain is in force in, else the master's own where only its group uses that, which moves as a whole, else
    /// a free one.</remarks>
    protected override Status Reserve(UnitAttachment next, UnitAttachment? previous)
    {
        ArgumentNullException.ThrowIfNull(next);
        if (TryChoose(next.Domain, previous) is not { } context)
            return Status.NoSpace;
        if (context.Domain != next.Domain)
            SetDomain(context, next.Domain);
        if (next.Domain.TargetOn(this) is { } target)
            target.Tag = context.Number;
        next.Context = context.Number;
        return Status.Ok;
    }

    /// <inheritdoc/>
    protected override void Release(UnitAttachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        if (ContextOf(attachment) is { } context && !IsUsed(context))
            SetDomain(context, null);
    }

    /// <inheritdoc/>
    /// <remarks>At every moment each machine ID of the master leads to the old domain or to the new one.</remarks>
    protected override void Move(UnitAttachment? previous, UnitAttachment? next)
    {
        var (from, to) = (ContextOf(previous), ContextOf(next));
        _clocks.On();
        try
        {
            if (to is { IsCurrent: false })
                Start(to, isFresh: false);
            if (from != to)
                Route((next ?? previous)!);
            if (from is not null && !IsUsed(from))
                Stop(from, isFresh: false);
        }
        finally
        {
            _clocks.Off();
        }
    }

    private MsmContext? TryChoose(IommuDomain domain, UnitAttachment? previous)
    {
        MsmContext? free = null;
        foreach (var context in _contexts)
        {
            if (context.Domain == domain)
                return context;
            if (context.Domain is null)
                free ??= context;
        }

        return ContextOf(previous) is { } own && IsOfOneGroup(own, previous!.Master) ? own : free;
    }

    private void SetDomain(MsmContext context, IommuDomain? domain)
    {
        if (context.Domain?.TargetOn(this) is { } before)
            before.Tag = InvalidationTarget.NoTag;
        context.Domain = domain;
        context.IsCurrent = false;
    }

    /// <summary>Whether all masters whose accesses lead to a bank are in one group with a master.</summary>
    private bool IsOfOneGroup(MsmContext context, Device master)
    {
        foreach (var attachment in Attachments)
        {
            if (attachment.Context == context.Number && attachment.Master.Iommu?.Group != master.Iommu?.Group)
                return false;
        }

        return true;
    }

    private bool IsUsed(MsmContext context)
    {
        foreach (var attachment in Attachments)
        {
            if (attachment.Context == context.Number)
                return true;
        }

        return false;
    }

    private MsmContext? ContextOf(UnitAttachment? attachment) =>
        attachment is null ? null : Array.Find(_contexts, context => context.Number == attachment.Context);

    /// <summary>Lets a master's machine IDs lead to their banks, or nowhere.</summary>
    private void Route(UnitAttachment attachment)
    {
        foreach (var machine in attachment.Streams)
        {
            var map = OwnerOf(machine.Value) is { } owner ? MsmMachineMap.To(owner.Context) : MsmMachineMap.Refused;
            _registers.Write32(MsmGlobalRegisters.MachineMapOf(machine.Value), map.Bits);
        }
    }

    /// <summary>Who uses a machine ID; of several that share it, the one that moved last.</summary>
    private UnitAttachment? OwnerOf(uint machine)
    {
        for (var i = Attachments.Count - 1; i >= 0; i--)
        {
            if (Attachments[i].Has(machine))
                return Attachments[i];
        }

        return null;
    }
}
