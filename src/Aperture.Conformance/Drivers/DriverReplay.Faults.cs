using Aperture.Conformance.Vectors;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <content>Fault interrupts.</content>
public sealed partial class DriverReplay
{
    private void Interrupt(RecordedCall call)
    {
        var mmu = Mmu(call.Api, call.Api.Has("unit") ? "unit" : "dev");
        foreach (var domain in _domains.Values)
            domain.Faults.Clear();
        var result = mmu.Device.Interrupts.Count > 0 ? mmu.Device.Interrupts[0].Poll() : InterruptResult.None;

        var expected = _family.DeniesInterrupts ? "none" : call.Api.Text("ret");
        if (expected == "panic")
        {
            Part.Check(result == InterruptResult.None, call.Line, () => "an unhandled fault", () => $"{result}");
            Deviate(Rules.NoPanic);
            mmu.IsHeldBack = true;
        }
        else
        {
            var got = result == InterruptResult.Handled ? "handled" : "none";
            if (_family.DeniesInterrupts && got == "handled")
                Deviate(Rules.InterruptAnswer);
            else
                Part.Check(expected == got, call.Line, () => expected, () => got);
            mmu.IsHeldBack &= expected != "handled";
        }

        var faults = call.Of("fault").ToArray();
        if (mmu.Unit is { } unit)
            _family.CheckInterrupt(Part, call, unit);
        var reports = _domains.Values.SelectMany(domain => domain.Faults.Select(report => (domain, report))).ToList();
        if (_family.KeepsFaultsToItself && faults.Length == 0)
        {
            if (reports.Count > 0)
                Deviate(Rules.FaultToDomain, reports.Count);
            return;
        }

        if (_family.RetriesUnhandledFaults)
        {
            CountBusErrors(call, mmu, reports);
            if (faults.Any(fault => fault.Number("ret") != 0))
                StartAfresh(mmu);
        }

        Part.CheckNumber(call.Line, "faults reported", faults.Length, reports.Count);
        for (var i = 0; i < Math.Min(faults.Length, reports.Count); i++)
            CheckFault(faults[i], mmu, reports[i].domain, reports[i].report);
    }

    /// <summary>The recorded driver only logs that a table could not be read; ours reports each such pending bit.</summary>
    private void CountBusErrors(RecordedCall call, ReplayedMmu mmu, List<(ReplayedDomain Domain, FaultReport Report)> reports)
    {
        var pending = call.Of("r")
            .Count(read => _mmus.GetValueOrDefault(read.Text("unit"))?.Device == mmu.Device && _family.IsBusError(read));
        var ours = reports.RemoveAll(entry => entry.Report.Reason == FaultReason.TableWalk);
        Part.CheckNumber(call.Line, "bus errors reported", pending, ours);
        for (var i = 0; i < ours; i++)
            Deviate(Rules.BusErrorReported);
    }

    /// <summary>Ours holds the access back after a fault that nobody handled, until the unit starts afresh; the recorded driver lets it go
    /// on.</summary>
    private void StartAfresh(ReplayedMmu mmu)
    {
        Deviate(Rules.FaultNotRetried);
        mmu.Device.Bound!.RuntimeSuspend();
        mmu.Device.Bound.RuntimeResume();
    }

    private void CheckFault(VectorEvent fault, ReplayedMmu mmu, ReplayedDomain domain, in FaultReport report)
    {
        var device = fault.Text("dev");
        var (master, unit) = (report.Device?.Name, report.Unit.Name);
        Part.Check(domain.Label == fault.Text("dom"), fault.Line, () => $"a fault in domain {fault.Text("dom")}", () => domain.Label);
        Part.Check(device == master || device == unit, fault.Line, () => $"a fault of {device}", () => $"{master} behind {unit}");
        Part.CheckNumber(fault.Line, "the handler answers", fault.Number("ret"), domain.HandlerAnswer ?? (long)Core.Status.NotImplemented);
        if (report.Context != 0)
        {
            // The registers of the virtual machine whose bit is set; the recorded driver reads those of the first.
            Deviate(Rules.FaultOfVm);
            Part.CheckHex(
                fault.Line,
                $"the fault of context {report.Context} is at",
                _family.FaultAddress(mmu.Read, report.Context),
                report.Address.Value);
            return;
        }

        Part.CheckHex(fault.Line, "the fault is at", fault.Hex("iova"), report.Address.Value);
        var access = report.Access == FaultAccess.Write ? "write" : "read";
        if (report.Access == FaultAccess.Unknown && fault.Text("access") == "read")
            Deviate(Rules.FaultDirection);
        else
            Part.Check(access == fault.Text("access"), fault.Line, () => $"a {fault.Text("access")}", () => access);
    }
}
