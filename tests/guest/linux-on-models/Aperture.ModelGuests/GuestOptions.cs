namespace Aperture.ModelGuests;

/// <summary>How a guest is run.</summary>
/// <param name="Cache">Where the packages are.</param>
/// <param name="Trees">Where the compiled device trees are.</param>
internal sealed record GuestOptions(string Cache, string Trees)
{
    /// <summary>Whether the kernel may put off flushes.</summary>
    public bool IsLazy { get; init; }

    /// <summary>What is wrong with the unit.</summary>
    public Defect Defect { get; init; }

    /// <summary>How much is written and read back, in MiB; 0 for what the kind has.</summary>
    public int MiB { get; init; }

    /// <summary>Seed of the disk's content.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Whether the guest's console is printed in any case.</summary>
    public bool IsVerbose { get; init; }

    public int Bytes(GuestKind kind) => (MiB == 0 ? kind.MiB : MiB) << 20;

    public string Title(GuestKind kind) =>
        $"{kind.Name}, {(IsLazy ? "lazy" : "strict")}{(Defect == Defect.None ? "" : $", {Defect}")}";
}
