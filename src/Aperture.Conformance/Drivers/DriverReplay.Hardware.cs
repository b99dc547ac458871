using Aperture.Power;

namespace Aperture.Conformance.Drivers;

/// <content>The state of registers, clocks and reset lines after a call.</content>
public sealed partial class DriverReplay
{
    private void CheckHardware(RecordedCall call)
    {
        foreach (var mmu in _mmus.Values.Where(mmu => mmu.Unit is not null))
        {
            if (StartsAgain(call, mmu))
            {
                mmu.IsHeldBack = false;
                mmu.HasGap = call.Of("omitted").Any() || (mmu.HasGap && !call.Of("w").Any(line => line.Text("unit") == mmu.Facts.Name));
            }

            if (!mmu.IsHeldBack && !(mmu.HasGap && _family.RegistersFollowCommands))
                CheckRegisters(call, mmu);
            CheckTablesInForce(call, mmu);
            foreach (var gate in mmu.Gates.All)
                CheckGate(call, mmu, gate);
        }

        foreach (var ((map, offset), expected) in _recordedSystem)
        {
            if (_blocks.TryGetValue(map, out var block) && block.TryRead(offset, sizeof(uint), out var got))
                Part.CheckHex(LineOf(call, "regmap", line => line.Text("map") == map), $"{map} 0x{offset:x} is", expected, got);
        }

        if (!call.Of("omitted").Any())
            CheckEntries(call);
    }

    /// <summary>Whether a call programs a unit afresh or stops it.</summary>
    private bool StartsAgain(RecordedCall call, ReplayedMmu mmu) => call.Api.Call switch
    {
        "attach_dev" or "detach_dev" or "master_runtime_resume" or "master_runtime_suspend" =>
            Master(call.Api).Units.Exists(unit => unit.Device == mmu.Device),
        "suspend" or "resume" => call.Api.Text("dev") == mmu.Facts.Device,
        "domain_free" or "release_device" => true,
        _ => false,
    };

    private void CheckRegisters(RecordedCall call, ReplayedMmu mmu)
    {
        var isTranslating = _family.IsTranslating(offset => Recorded(offset) ?? 0);
        foreach (var register in _family.Controls(mmu.Model))
        {
            if (Recorded(register.Offset) is not { } recorded || (register.OnlyWhileTranslating && !isTranslating)
                || recorded == register.Undecided)
                continue;
            var line = LineOf(call, "w", line => line.Text("unit") == mmu.Facts.Name && line.Word("off") == register.Offset);
            var got = mmu.Read(register.Offset) & register.Mask;
            if (register.IsTableBase)
                CheckTableBase(line, mmu, register, recorded, got);
            else
                Part.CheckHex(line, $"{mmu.Facts.Name} {register.Name} is", recorded & register.Mask, got);
        }

        uint? Recorded(uint offset)
        {
            if (_family.RegistersFollowCommands)
                return mmu.ReadRecorded(offset);
            return mmu.Recorded.TryGetValue(offset, out var value) ? value : null;
        }
    }

    /// <summary>On a unit with several tables each user has the table of the domain that the recorded one has.</summary>
    private void CheckTablesInForce(RecordedCall call, ReplayedMmu mmu)
    {
        var ours = _family.Tables(mmu.Model).ToDictionary();
        foreach (var (user, theirs) in _family.Tables(mmu.Shadow))
        {
            var domain = _domains.Values.FirstOrDefault(domain => domain.RecordedRoots.Contains(theirs));
            if (domain?.Ours is { } expected)
                Part.CheckHex(call.Line, $"{mmu.Facts.Name} {user} uses", _family.Root(expected), ours.GetValueOrDefault(user));
        }
    }

    /// <summary>The recorded table is that of a domain: ours has to be that domain's.</summary>
    private void CheckTableBase(int line, ReplayedMmu mmu, ControlRegister register, uint recorded, uint got)
    {
        _family.Models.IsTableBase(mmu.Model, register.Offset, recorded, out var theirs);
        _family.Models.IsTableBase(mmu.Model, register.Offset, got, out var table);
        var domain = _domains.Values.FirstOrDefault(domain => domain.RecordedRoots.Contains(theirs));
        if (domain?.Ours is not { } ours)
            return;
        if (domain.RecordedRoots[0] != theirs)
            Count(Rules.OneTable, theirs);
        Part.CheckHex(line, $"{mmu.Facts.Name} {register.Name} names", _family.Root(ours), table);
    }

    private void CheckGate(RecordedCall call, ReplayedMmu mmu, Gate gate)
    {
        bool expected;
        if (gate.Kind == GateKind.Clock && mmu.RecordedClocks.TryGetValue(gate.Name, out var count))
            expected = count > mmu.StrandedClocks.GetValueOrDefault(gate.Name);
        else if (gate.Kind != GateKind.Reset || !mmu.RecordedResets.TryGetValue(gate.Name, out expected))
            return;
        var line = LineOf(call, gate.Kind == GateKind.Clock ? "clk" : "plat", line => line.Text("dev") == mmu.Facts.Name);
        Part.Check(
            gate.IsOn == expected, line, () => $"{mmu.Facts.Name} {gate.Name} {(expected ? "on" : "off")}", () => expected ? "off" : "on");
    }

    /// <summary>The line to blame: the last effect of a kind that fits, or the call.</summary>
    private static int LineOf(RecordedCall call, string kind, Func<Vectors.VectorEvent, bool> fits) =>
        (call.Of(kind).LastOrDefault(fits) ?? call.Api).Line;
}
