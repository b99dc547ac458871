namespace Aperture.Boards.Running;

/// <summary>The self-test of one master: that its DMA works, and that it is confined.</summary>
/// <param name="Master">The master.</param>
public sealed record MasterResult(BoardMaster Master)
{
    /// <summary>What the master wrote arrived in memory.</summary>
    public required CheckResult Write { get; init; }

    /// <summary>The master read what the CPU wrote.</summary>
    public required CheckResult Read { get; init; }

    /// <summary>After the unmap the master could neither read nor write, memory stayed as it was, and the fault was reported.</summary>
    public required CheckResult AfterUnmap { get; init; }

    /// <summary>Beside the mapping the master could neither read nor write.</summary>
    public required CheckResult Outside { get; init; }

    /// <summary>The buffer of another master was out of reach.</summary>
    public required CheckResult Foreign { get; init; }

    /// <summary>The names of the masters that no unit can tell from this one: they reach its memory, and it reaches theirs.</summary>
    public IReadOnlyList<string> SharedWith { get; init; } = [];

    /// <summary>The checks by their names.</summary>
    public IEnumerable<(string Name, CheckResult Result)> Checks =>
    [
        ("write", Write), ("read", Read), ("afterUnmap", AfterUnmap), ("outside", Outside), ("foreign", Foreign),
    ];

    /// <summary>Whether nothing went wrong.</summary>
    public bool IsFine => Checks.All(check => check.Result.IsFine);

    /// <summary>A result for a master whose checks all end alike.</summary>
    public static MasterResult All(BoardMaster master, CheckResult result) =>
        new(master) { Write = result, Read = result, AfterUnmap = result, Outside = result, Foreign = result };
}
