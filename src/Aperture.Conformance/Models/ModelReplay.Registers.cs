using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Models;

/// <content>Register traffic.</content>
public sealed partial class ModelReplay
{
    private void PlayWrite(VectorEvent line)
    {
        var unit = Unit(line);
        var offset = Offset(line);
        var value = line.Word("val");
        unit.Learn(_family.Identity(unit.Model, offset));
        Part.Check(unit.Model.TryWrite(offset, sizeof(uint), value), line.Line, () => $"a write of 0x{offset:x}", () => "a bus error");
        if (value != 0 && _family.IsTableBase(unit.Model, offset, value, out var table))
            Part.Check(
                _roots.Values.Any(roots => roots.Contains(table)),
                line.Line,
                () => "the first-level table of a domain",
                () => $"0x{table:x}");
    }

    /// <summary>Compares a read. The first read of a register after traffic was left out may differ: the model then takes the
    /// value.</summary>
    private void PlayRead(VectorEvent line)
    {
        var unit = Unit(line);
        var offset = Offset(line);
        var expected = line.Word("val");
        _readInCall.Add(expected);
        var isKnown = unit.Learn(_family.Identity(unit.Model, offset));
        if (!unit.Model.TryRead(offset, sizeof(uint), out var got))
            Part.Fail(line.Line, $"0x{offset:x} reads 0x{expected:x}", "a bus error");
        else if (!isKnown && got != expected)
            _family.Adopt(unit.Model, offset, expected);
        else
            Part.CheckHex(line.Line, $"0x{offset:x} reads", expected, got);
    }

    private void PlaySystemRegister(VectorEvent line)
    {
        if (!_maps.TryGetValue(line.Text("map"), out var map))
            _maps.Add(line.Text("map"), map = []);
        var offset = line.Word("off");
        var mask = line.Word("mask");
        map[offset] = (map.GetValueOrDefault(offset) & ~mask) | (line.Word("val") & mask);
        Part.CheckHex(line.Line, $"{line.Text("map")} 0x{offset:x} becomes", line.Word("result"), map[offset]);
    }

    /// <summary>A clock's count follows from its steps, unless some were left out.</summary>
    private void PlayClock(VectorEvent line)
    {
        var clock = $"{line.Text("dev")} {line.Text("clk")}";
        var step = line.Text("op") switch
        {
            "enable" => 1,
            "disable" => -1,
            _ => throw line.Bad($"'op' is '{line.Text("op")}'"),
        };
        var count = _clocks.GetValueOrDefault(clock) + step;
        Part.CheckNumber(line.Line, $"{clock} is enabled", line.Number("count"), count);
        _clocks[clock] = line.Number("count");
    }
}
