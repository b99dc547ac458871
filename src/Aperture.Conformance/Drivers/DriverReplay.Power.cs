namespace Aperture.Conformance.Drivers;

/// <content>Power, and what only some units have.</content>
public sealed partial class DriverReplay
{
    private readonly Dictionary<string, uint[]> _contexts = []; // saved register blocks, by unit

    private void MakePowerCall(RecordedCall call)
    {
        switch (call.Api.Call)
        {
            case "master_runtime_resume":
                Hold(Master(call.Api));
                break;
            case "master_runtime_suspend":
                LetGo(Master(call.Api));
                break;
            case "suspend":
                Sleep(call, true);
                break;
            case "resume":
                Sleep(call, false);
                break;
            case "pm_prepare":
                var mmu = Mmu(call.Api, "dev");
                Part.CheckNumber(call.Line, "already suspended:", call.Result, mmu.Device.Power.IsActive && !mmu.IsAsleep ? 0 : 1);
                break;
            case "domain_deactivate":
                foreach (var master in MastersOf(call))
                    LetGo(master);
                Part.CheckNumber(call.Line, "the call gives", call.Result, 0);
                break;
            case "domain_activate":
                foreach (var master in MastersOf(call))
                    Hold(master);
                Part.CheckNumber(call.Line, "the call gives", call.Result, 0);
                break;
            case "save_ctx":
                foreach (var unit in Master(call.Api).Units)
                    _contexts[unit.Facts.Name] = _family.SaveContext(Bound(call, unit));
                break;
            case "restore_ctx":
                foreach (var unit in Master(call.Api).Units.Where(unit => _contexts.ContainsKey(unit.Facts.Name)))
                    _family.RestoreContext(Bound(call, unit), _contexts[unit.Facts.Name]);
                break;
            case "flush_tlb_page":
                Part.CheckNumber(
                    call.Line, "the call gives", 0, (long)_family.FlushPage(Bound(call, Mmu(call.Api, "unit")), call.Api.Hex("iova")));
                break;
            case "flush_tlb_all":
                Part.CheckNumber(call.Line, "the call gives", 0, (long)_family.FlushAll(Bound(call, Mmu(call.Api, "unit"))));
                break;
            default:
                throw call.Api.Bad($"'{call.Api.Call}' is no call of family {_file.Driver}");
        }
    }

    private static Iommu.IommuUnit Bound(RecordedCall call, ReplayedMmu mmu) =>
        mmu.Unit ?? throw call.Api.Bad($"{mmu.Facts.Name} was not probed");

    private ReplayedMaster[] MastersOf(RecordedCall call)
    {
        var domain = Domain(call.Api, "dom");
        return [.. _masters.Values.Where(master => master.Domain == domain)];
    }

    private void Sleep(RecordedCall call, bool isAsleep)
    {
        var mmu = Mmu(call.Api, "dev");
        if (mmu.Device.Power.IsActive && mmu.IsAsleep != isAsleep)
        {
            if (isAsleep)
                mmu.Device.Bound!.Suspend();
            else
                mmu.Device.Bound!.Resume();
        }

        mmu.IsAsleep = isAsleep;
        Part.CheckNumber(call.Line, "the call gives", call.Result, 0);
    }
}
