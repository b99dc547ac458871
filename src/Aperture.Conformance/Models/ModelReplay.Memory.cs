using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Models;

/// <content>Table memory, and what the hardware makes of it.</content>
public sealed partial class ModelReplay
{
    private void PlayMemory(VectorEvent line)
    {
        switch (line.Kind)
        {
            case "alloc":
                _memory.Allocate(line);
                AddRoot(line);
                break;
            case "free":
                Part.Check(
                    _memory.Free(line),
                    line.Line,
                    () => $"a block of {line.Number("size")} bytes at {line.Text("pa")}",
                    () => "no such block is allocated");
                foreach (var roots in _roots.Values)
                    roots.Remove(line.Hex("pa"));
                break;
            case "mem":
                _memory.Apply(line);
                break;
            case "poke":
                _memory.Poke(line);
                break;
            case "table":
                Part.Check(
                    _memory.Blocks.GetValueOrDefault(line.Hex("pa")) == line.Count("size"),
                    line.Line,
                    () => $"an allocated block of {line.Number("size")} bytes",
                    () => "none there");
                break;
            case "image":
                CheckImage(line);
                break;
        }
    }

    /// <summary>A first-level table belongs to the domain whose allocation or attachment made it.</summary>
    private void AddRoot(VectorEvent line)
    {
        if (_call is not { Call: "domain_alloc" or "attach_dev" } || line.Number("size") != _family.FirstLevelBytes
            || line.Text("kind") == "data")
            return;
        var domain = _call.Text("dom");
        if (!_roots.TryGetValue(domain, out var roots))
            _roots.Add(domain, roots = []);
        roots.Add(line.Hex("pa"));
    }

    /// <summary>Compares the final image with the sum of the changes: the recording must agree with itself.</summary>
    private void CheckImage(VectorEvent line)
    {
        var start = line.Hex("pa");
        var words = RecordedMemory.Words(line);
        var width = RecordedMemory.WordBytes(line);
        if (!_memory.Contains(start, words.Length * width))
            throw line.Bad($"there is no table memory at 0x{start:x}");
        var i = 0;
        while (i < words.Length && words[i] == _memory.Word(start + (ulong)(i * width), width))
            i++;
        var address = start + (ulong)(i * width);
        Part.Check(i == words.Length, line.Line, () => $"0x{words[i]:x} at 0x{address:x}", () => $"0x{_memory.Word(address, width):x}");
    }

    /// <summary>Checks an access through every first-level table of the domain, on every kind of unit of the file.</summary>
    private void PlayExpectation(VectorEvent line)
    {
        if (!_roots.TryGetValue(line.Text("dom"), out var roots) || roots.Count == 0)
        {
            Part.Fail(line.Line, "a translation", $"domain {line.Text("dom")} has no table");
            return;
        }

        var iova = line.Hex("iova");
        foreach (var unit in _units.Values.DistinctBy(unit => unit.Kind))
        {
            foreach (var root in roots)
                Expectation.Check(Part, line, unit.Probe.Access(root, iova));
        }
    }

    /// <summary>A reported fault names an address that the call read from the unit.</summary>
    private void PlayFault(VectorEvent line) =>
        Part.Check(
            _readInCall.Contains(line.Hex("iova")),
            line.Line,
            () => $"a fault register that reads {line.Text("iova")}",
            () => "no read of this call gave it");
}
