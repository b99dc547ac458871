using Aperture.Conformance.Models;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <content>Each recorded call as calls of ours.</content>
public sealed partial class DriverReplay
{
    private void Make(RecordedCall call)
    {
        switch (call.Api.Call)
        {
            case "driver_init":
                break;
            case "probe":
                Probe(call);
                break;
            case "of_xlate":
                AddUnit(call);
                break;
            case "probe_device":
                ProbeDevice(call);
                break;
            case "device_group":
                CheckGroup(call);
                break;
            case "release_device":
                Release(call);
                break;
            case "domain_alloc":
                AllocateDomain(call);
                break;
            case "domain_free":
                FreeDomain(call);
                break;
            case "attach_dev":
                Attach(call);
                break;
            case "detach_dev":
                if (call.Api.Text("dom") != "-")
                    Detach(Master(call.Api), Domain(call.Api, "dom"));
                break;
            case "map" or "map_pages" or "store_entry":
                Map(call);
                break;
            case "unmap" or "unmap_pages":
                Unmap(call);
                break;
            case "iova_to_phys":
                Translate(call);
                break;
            case "irq":
                Interrupt(call);
                break;
            default:
                MakePowerCall(call);
                break;
        }
    }

    private void AddUnit(RecordedCall call)
    {
        var mmu = Mmu(call.Api, call.Api.Has("iommu") ? "iommu" : "sysmmu");
        var master = Master(call.Api);
        if (call.Result != 0)
            return;
        if (!master.Units.Contains(mmu))
            master.Units.Add(mmu);
        if (call.Api.Has("mid"))
            master.References.Add((mmu, [(uint)call.Api.Count("mid")]));
    }

    private void Release(RecordedCall call)
    {
        var master = Master(call.Api);
        if (master.Domain is { } domain)
            Detach(master, domain);
        LetGo(master);
        _core.Release(master.Device);
        _masters.Remove(call.Api.Text("dev"));
    }

    private void AllocateDomain(RecordedCall call)
    {
        var domain = Domain(call.Api, "dom");
        var mmu = Master(call.Api).Units.FirstOrDefault() ?? throw call.Api.Bad($"master {call.Api.Text("dev")} is behind no unit");
        if (!call.Api.Flag("ok") || mmu.Unit is not { } unit)
        {
            Part.Fail(call.Line, "a domain", $"{mmu.Facts.Name} was not probed");
            return;
        }

        domain.Mmu = mmu;
        var (theirs, sizes) = (call.Api.Hex("pgsizes"), unit.Capabilities.PageSizes);
        if (theirs != sizes && _family.CountsRunsAsPages && (theirs & (~theirs + 1)) == sizes)
            Deviate(Rules.PageSizes);
        else
            Part.CheckHex(call.Line, "page sizes", theirs, sizes);
        Part.CheckHex(call.Line, "the aperture begins at", call.Api.Hex("apertureStart"), unit.Capabilities.ApertureStart.Value);
        var end = call.Api.Hex("apertureEnd");
        if (end != unit.Capabilities.ApertureEnd.Value && end == ulong.MaxValue >> (64 - _file.LongBits))
            Deviate(Rules.ApertureEnd);
        else
            Part.CheckHex(call.Line, "the aperture ends at", end, unit.Capabilities.ApertureEnd.Value);
        if (!_family.TablesLiveWhileAttached)
            MakeDomain(call, domain);
    }

    private void MakeDomain(RecordedCall call, ReplayedDomain domain)
    {
        if (domain.Mmu?.Unit is not { } unit)
            throw call.Api.Bad($"there is no domain {domain.Label}");
        domain.Ours = unit.CreateDomain(DomainType.Unmanaged);
        domain.Ours.FaultHandler = domain.Answer;
        CheckShape(call, domain.Ours);
    }

    private void FreeDomain(RecordedCall call)
    {
        var domain = Domain(call.Api, "dom");
        foreach (var master in _masters.Values.Where(master => master.Domain == domain).ToArray())
        {
            Deviate(Rules.FreeInForce);
            Detach(master, domain);
        }

        domain.Ours?.Dispose();
        _domains.Remove(domain.Label);
    }

    private void Attach(RecordedCall call)
    {
        var master = Master(call.Api);
        var domain = Domain(call.Api, "dom");
        if (master.Device.Iommu is null && master.Units.Count > 0)
            return; // refused when it was bound: unknown-stream
        if (call.Result != 0)
        {
            RefuseAttach(call, master, domain);
            return;
        }

        if (domain.Ours is null)
            MakeDomain(call, domain);
        if (master.Domain == domain && Try(() => master.Group.Attach(domain.Ours!)) == Status.Busy)
        {
            Deviate(Rules.AttachAgain);
            return;
        }

        if (master.Domain is { } previous && previous != domain)
            master.Group.Replace(domain.Ours!);
        else if (master.Group.Domain != domain.Ours) // where it is when another master of its group went there
            master.Group.Attach(domain.Ours!);
        Part.Check(true, call.Line, () => "", () => "");
        master.Domain = domain;
        if (_family.AttachHoldsPower)
            Hold(master);
    }

    /// <summary>The recorded driver refuses. Ours refuses with its own number, or allows it and is taken back.</summary>
    private void RefuseAttach(RecordedCall call, ReplayedMaster master, ReplayedDomain domain)
    {
        if (domain.Ours is null && call.Result == (long)Status.AlreadyExists)
        {
            AttachAgain(call, master, domain);
            return;
        }

        var got = domain.Ours is { } ours ? (long)Try(() => master.Group.Attach(ours)) : call.Result;
        var isInForce = _masters.Values.Any(other => other.Domain == domain) || master.Domain is not null;
        if (got != call.Result && isInForce)
            Deviate(Rules.AttachAgain);
        else
            Part.CheckNumber(call.Line, "the attach gives", call.Result, got);
        if (got == 0 && domain.Ours is { } attached && master.Domain != domain)
            master.Group.Detach(attached);
    }

    /// <summary>The recorded driver takes a master for attached that has been detached since. Ours attaches it, any number of
    /// times.</summary>
    private void AttachAgain(RecordedCall call, ReplayedMaster master, ReplayedDomain domain)
    {
        MakeDomain(call, domain);
        master.Group.Attach(domain.Ours!);
        Part.Check(master.Domain is null, call.Line, () => "a master that is not attached", () => $"one in domain {master.Domain!.Label}");
        Deviate(Rules.AttachAnyTime);
        master.Group.Detach(domain.Ours!);
        domain.Ours!.Dispose();
        domain.Ours = null;
    }

    private void Detach(ReplayedMaster master, ReplayedDomain domain)
    {
        if (domain.Ours is not { } ours || master.Domain != domain)
            return;
        master.Domain = null;
        if (!_masters.Values.Any(other => other.Domain == domain && other.Group == master.Group))
            master.Group.Detach(ours);
        if (_family.AttachHoldsPower)
            LetGo(master);
        if (!_family.TablesLiveWhileAttached || _masters.Values.Any(other => other.Domain == domain))
            return;

        // The recorded tables are gone. Ours stay until the domain goes; a new one takes its place at the next attach.
        if (OurReader(domain)!.Leaves(0, AddressSpace).Count > 0)
            Deviate(Rules.DetachKeepsMappings);
        ours.Dispose();
        domain.Ours = null;
        domain.EmptyTables.Clear();
    }

    private static void Hold(ReplayedMaster master)
    {
        if (!master.IsHeld)
            master.Device.Power.Get();
        master.IsHeld = true;
    }

    private static void LetGo(ReplayedMaster master)
    {
        if (master.IsHeld)
            master.Device.Power.Put();
        master.IsHeld = false;
    }

    private void Translate(RecordedCall call)
    {
        ulong got = 0;
        if (Domain(call.Api, "dom").Ours is { } ours && ours.TryTranslate(new Iova(call.Api.Hex("iova")), out var address))
            got = address.Value;
        if (got != call.Api.Hex("ret") && IsTorn(Domain(call.Api, "dom"), call.Api.Hex("iova")))
            Deviate(Rules.TornPage);
        else
            Part.CheckHex(call.Line, "the address is", call.Api.Hex("ret"), got);
    }

    /// <summary>Masters are in one group if and only if the recorded ones are.</summary>
    private void CheckGroup(RecordedCall call)
    {
        var master = Master(call.Api);
        master.RecordedGroup = call.Api.Number("group");
        if (master.Device.Iommu is not { } ours)
            return;
        foreach (var other in _masters.Values.Where(
            other => other != master && other.RecordedGroup is not null && other.Device.Iommu is not null))
        {
            var isTogether = other.RecordedGroup == master.RecordedGroup;
            if (isTogether && ours.Group != other.Group && RecordedGroups.AreSplit(_file))
                Deviate(Rules.GroupSplit);
            else
                Part.Check(
                    isTogether == (ours.Group == other.Group),
                    call.Line,
                    () => $"{other.Device.Name} {(isTogether ? "in the same group" : "in another group")}",
                    () => isTogether ? "in another group" : "in the same group");
        }
    }
}
