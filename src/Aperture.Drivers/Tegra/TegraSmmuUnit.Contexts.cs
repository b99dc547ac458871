using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Tegra;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>Address spaces, and who is in which.</summary>
public sealed partial class TegraSmmuUnit
{
    private readonly IommuDomain?[] _domains; // by address space
    private readonly uint[] _enables;         // TRANSLATION_ENABLE registers as written last

    /// <inheritdoc/>
    /// <remarks>The lowest free address space is taken. When there is none, the domain can still take over that of the domain which the
    /// same master leaves, if nobody else is in it.</remarks>
    protected override Status Reserve(UnitAttachment next, UnitAttachment? previous)
    {
        ArgumentNullException.ThrowIfNull(next);
        var asid = AsidOf(next.Domain);
        if (asid < 0)
            asid = Array.IndexOf(_domains, null);
        if (asid < 0 && previous is not null && Attachments.Count(attachment => attachment.Domain == previous.Domain) == 1)
            asid = AsidOf(previous.Domain);
        if (asid < 0)
            return Status.NoSpace;
        SetDomain(asid, next.Domain);
        return Status.Ok;
    }

    /// <inheritdoc/>
    protected override void Release(UnitAttachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        var asid = AsidOf(attachment.Domain);
        if (asid >= 0 && !Attachments.Any(other => other.Domain == attachment.Domain))
            SetDomain(asid, null);
    }

    private void SetDomain(int asid, IommuDomain? domain)
    {
        if (_domains[asid]?.TargetOn(this) is { } before)
            before.Tag = InvalidationTarget.NoTag;
        _domains[asid] = domain;
        if (domain?.TargetOn(this) is { } target)
            target.Tag = asid;
    }

    /// <inheritdoc/>
    protected override void Program()
    {
        for (var asid = 0; asid < _domains.Length; asid++)
        {
            if (_domains[asid] is not { } domain)
                continue;
            _registers.Write32(TegraMcRegister.TableAsid, (uint)asid);
            _registers.Write32(TegraMcRegister.TableData, TegraTableData.For(RootOf(domain).Value));
        }

        _flushHigh = null;
        Array.Clear(_enables);
        foreach (var swgroup in Soc.Swgroups)
        {
            var asid = AsidOf(swgroup.Id);
            _registers.Write32(swgroup.AsidRegister, asid < 0 ? 0 : TegraSwgroupAsid.For(asid).Value);
            if (asid >= 0)
                NoteEnables(swgroup.Id, true);
        }

        for (var i = 0; i < _enables.Length; i++)
            _registers.Write32(TegraMcRegister.TranslationEnable(i), _enables[i]);
        for (var bank = 0; bank < HotResetBanks; bank++)
            _registers.Write32(HotResetControl(bank), _hotResets[bank]);
        _registers.Write32(TegraMcRegister.PtcConfig, TegraPtcConfig.For(Soc).Value);
        _registers.Write32(TegraMcRegister.TlbConfig, TegraTlbConfig.For(Soc).Value);
        _registers.Write32(TegraMcRegister.PtcFlush, TegraPtcFlush.All.Value);
        _registers.Write32(TegraMcRegister.TlbFlush, TegraTlbFlush.All.Value);
        _registers.Write32(TegraMcRegister.Config, TegraMcRegister.ConfigEnable);
        WaitForWrites();
        _ahb?.Update32(TegraAhbRegister.CrossbarControl, TegraAhbRegister.SmmuInitDone, TegraAhbRegister.SmmuInitDone);

        // An error from before would be reported against a table that it did not meet.
        _registers.Write32(TegraMcRegister.InterruptStatus, (uint)Soc.Interrupts);
        _registers.Write32(TegraMcRegister.InterruptMask, (uint)Soc.Interrupts);
    }

    /// <inheritdoc/>
    /// <remarks>Translation stays as it is: nobody is let through for as long as the registers last.</remarks>
    protected override void Suspend() => _registers.Write32(TegraMcRegister.InterruptMask, 0);

    /// <inheritdoc/>
    protected override void Move(UnitAttachment? previous, UnitAttachment? next)
    {
        if (next is not null && Attachments.Count(attachment => attachment.Domain == next.Domain) == 1)
            Prepare(AsidOf(next.Domain), next.Domain);
        foreach (var stream in (next ?? previous)!.Streams)
            Route(stream.Value);
        WaitForWrites();
    }

    /// <summary>Brings a domain into an address space. What another one left there is invalidated after its table is gone, so that nothing
    /// comes back.</summary>
    private void Prepare(int asid, IommuDomain domain)
    {
        var root = RootOf(domain);
        if (HasContexts(but: domain))
            FlushWords(root.Value);
        else
            // changes of tables were not followed while nobody used any
            _registers.Write32(TegraMcRegister.PtcFlush, TegraPtcFlush.All.Value);
        _registers.Write32(TegraMcRegister.TableAsid, (uint)asid);
        _registers.Write32(TegraMcRegister.TableData, TegraTableData.For(root.Value));
        _registers.Write32(TegraMcRegister.TlbFlush, TegraTlbFlush.Asid(Soc, asid).Value);
        WaitForWrites();
    }

    /// <summary>Sends a swgroup where its masters are, or lets its addresses pass. Its register keeps the number, as recorded.</summary>
    private void Route(uint swgroup)
    {
        var register = Soc.FindSwgroup(swgroup)!.Value.AsidRegister;
        var asid = AsidOf(swgroup);
        if (asid < 0)
            _registers.Update32(register, TegraSwgroupAsid.EnableBit, 0);
        else
            _registers.Write32(register, TegraSwgroupAsid.For(asid).Value);
        for (var changed = NoteEnables(swgroup, asid >= 0); changed != 0; changed &= changed - 1)
        {
            var index = System.Numerics.BitOperations.TrailingZeroCount(changed);
            _registers.Write32(TegraMcRegister.TranslationEnable(index), _enables[index]);
        }
    }

    /// <summary>Notes the enable bits of a swgroup's clients.</summary>
    /// <returns>The registers that change, one bit each.</returns>
    private uint NoteEnables(uint swgroup, bool isOn)
    {
        uint changed = 0;
        foreach (var client in Soc.Clients)
        {
            if (client.Swgroup != swgroup || !client.CanTranslate)
                continue;
            var index = (int)client.Id / 32;
            var word = isOn ? _enables[index] | client.EnableBit : _enables[index] & ~client.EnableBit;
            if (word != _enables[index])
                changed |= 1u << index;
            _enables[index] = word;
        }

        return changed;
    }

    /// <summary>The address space of a domain, or -1.</summary>
    private int AsidOf(IommuDomain domain) => Array.IndexOf(_domains, domain);

    /// <summary>The address space that a swgroup belongs into, or -1. Of masters that share it, who moved last decides.</summary>
    private int AsidOf(uint swgroup) => OwnerOf(swgroup) is { } owner ? AsidOf(owner.Domain) : -1;

    private UnitAttachment? OwnerOf(uint swgroup)
    {
        for (var i = Attachments.Count - 1; i >= 0; i--)
        {
            if (Attachments[i].Has(swgroup))
                return Attachments[i];
        }

        return null;
    }

    private bool HasContexts(IommuDomain? but = null)
    {
        foreach (var domain in _domains)
        {
            if (domain is not null && domain != but)
                return true;
        }

        return false;
    }

    private static PhysicalAddress RootOf(IommuDomain domain) => ((PagingDomain<TegraFormat>)domain).Table.Root;
}
