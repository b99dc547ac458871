using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tables;

/// <summary>Makes the recorded calls of a page-table library on our tables. Compared after every call: its result, every word of the
/// tables, what was cleaned and what has to be invalidated. Where a rule lets our state differ it is brought in line by
/// further calls.</summary>
public sealed partial class TableReplay : RecordedReplay<TableFamily>
{
    private ReplayedTable? _table;              // the table in use
    private bool _isMissing;                    // a table was recorded that ours refused: nothing to replay until the next
    private ulong _recordedRoot;                // its recorded root
    private int _recordedTop;                   // the level of that

    private TableReplay(VectorFile file, TableFamily family)
        : base(file, family)
    {
    }

    /// <summary>Replays a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="family">The kind of library that it is about.</param>
    /// <param name="deviations">How often each rule was applied.</param>
    /// <exception cref="VectorException">The file does not follow the format.</exception>
    public static ReplayPart Run(VectorFile file, TableFamily family, out IReadOnlyList<Deviation> deviations)
    {
        using var replay = new TableReplay(file, family);
        return replay.PlayAll(out deviations);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _table?.Dispose();
        base.Dispose();
    }

    private protected override void Play()
    {
        for (var i = 0; i < _file.Events.Count; i++)
        {
            var line = _file.Events[i];
            switch (line.Kind)
            {
                case "api":
                    var call = RecordedCall.At(_file.Events, i);
                    i += call.Effects.Count;
                    PlayCall(call);
                    break;
                case "poke":
                    _recorded.Poke(line);
                    _memory.Poke(line.Hex("pa"), BitConverter.GetBytes(line.Hex("val")).AsSpan(0, RecordedMemory.WordBytes(line)));
                    break;
                case "expect" when !_isMissing:
                    CheckExpectation(line);
                    break;
                case "table" when !_isMissing:
                    Part.Check(
                        _recorded.Blocks.GetValueOrDefault(line.Hex("pa")) == line.Count("size"),
                        line.Line,
                        () => $"an allocated block of {line.Number("size")} bytes",
                        () => "none there");
                    break;
                case "image" when !_isMissing:
                    CheckImage(line);
                    break;
            }
        }
    }

    private void PlayCall(RecordedCall call)
    {
        if (_isMissing && call.Api.Call != "alloc_pgtable")
            return; // counted as a failure where the table was asked for
        var hadTable = _table is not null;
        if (hadTable)
            _recordedBefore = RecordedTree.Leaves();
        NoteEffects(call);
        switch (call.Api.Call)
        {
            case "alloc_pgtable":
                Allocate(call);
                break;
            case "domain_free":
                Free(call);
                break;
            case "map" or "map_pages":
                Map(call);
                break;
            case "unmap" or "unmap_pages":
                Unmap(call);
                break;
            case "read_and_clear_dirty":
                ReadDirty(call);
                break;
            case "iova_to_phys":
                CheckTranslation(call);
                break;
            default:
                throw call.Api.Bad($"there is no call '{call.Api.Call}' here");
        }

        _memory.WithdrawOffers();
        if (_table is not null && hadTable)
            CheckTables(call);
    }

    private void NoteEffects(RecordedCall call)
    {
        var freed = new HashSet<ulong>();
        foreach (var effect in call.Effects)
        {
            switch (effect.Kind)
            {
                case "alloc":
                    _recorded.Allocate(effect);
                    _hasMoved |= freed.Contains(effect.Hex("pa"));
                    break;
                case "free":
                    freed.Add(effect.Hex("pa"));
                    Part.Check(
                        _recorded.Free(effect),
                        effect.Line,
                        () => $"a block of {effect.Number("size")} bytes at {effect.Text("pa")}",
                        () => "no such block is allocated");
                    break;
                case "mem":
                    _recorded.Apply(effect);
                    break;
                case "root":
                    _recordedRoot = effect.Hex("pa");
                    _recordedTop = Table(effect).Format.Levels - effect.Count("levels");
                    break;
            }
        }
    }

    private ReplayedTable Table(VectorEvent line) => _table ?? throw line.Bad("there is no table");

    private TreeReader OurTree => new(_table!.Format, _memory.Memory, _table.Root.Value, _table.RootLevel);

    private TreeReader RecordedTree => new(_table!.Format, _recorded.Memory, _recordedRoot, _recordedTop);
}
