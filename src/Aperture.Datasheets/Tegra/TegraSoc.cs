namespace Aperture.Datasheets.Tegra;

/// <summary>What the SMMU of an SoC is: sizes, and its swgroups, clients, groups and hot resets. Source: recorded driver behaviour
/// and the public device tree bindings.</summary>
public sealed partial record TegraSoc
{
    private TegraSoc()
    {
    }

    /// <summary>Tegra30.</summary>
    public static TegraSoc Tegra30 { get; } = new()
    {
        Name = "tegra30",
        TlbLines = 16,
        TlbLinesMask = 0x1F,
        Atom = 16,
        Swgroups = Swgroups30,
        Clients = Clients30,
        Groups = Groups30,
        HotResets = HotResets30,
    };

    /// <summary>Tegra114.</summary>
    public static TegraSoc Tegra114 { get; } = Tegra30 with
    {
        Name = "tegra114",
        TlbLines = 32,
        TlbLinesMask = TegraTlbConfig.LinesMask,
        Atom = 32,
        Swgroups = Swgroups114,
        Clients = Clients114,
        Groups = Groups114,
        HotResets = HotResets114,
    };

    /// <summary>Tegra124.</summary>
    public static TegraSoc Tegra124 { get; } = Tegra114 with
    {
        Name = "tegra124",
        Asids = 128,
        AddressBits = 34,
        HasRoundRobin = true,
        HasRequestLimit = true,
        Interrupts = Tegra114.Interrupts | TegraMcInterrupts.InvalidAsidUpdate | TegraMcInterrupts.VideoProtect
            | TegraMcInterrupts.Security | TegraMcInterrupts.Mts,
        Swgroups = Swgroups124,
        Clients = Clients124,
        Groups = Groups124,
        HotResets = HotResets124,
    };

    /// <summary>Tegra132: as Tegra124.</summary>
    public static TegraSoc Tegra132 { get; } = Tegra124 with { Name = "tegra132" };

    /// <summary>Tegra210.</summary>
    public static TegraSoc Tegra210 { get; } = Tegra124 with
    {
        Name = "tegra210",
        TlbLines = 48,
        Atom = 64,
        ClientMask = 0xFF,
        Swgroups = Swgroups210,
        Clients = Clients210,
        Groups = Groups210,
        HotResets = HotResets210,
    };

    /// <summary>All SoCs.</summary>
    public static IReadOnlyList<TegraSoc> All { get; } = [Tegra30, Tegra114, Tegra124, Tegra132, Tegra210];

    /// <summary>The SoC's name, for example <c>tegra30</c>.</summary>
    public string Name { get; private init; } = "";

    /// <summary>The name of its memory controller in device trees.</summary>
    public string Compatible => $"nvidia,{Name}-mc";

    /// <summary>Number of address spaces: 4 or 128.</summary>
    public int Asids { get; private init; } = 4;

    /// <summary>Bits of a physical address: 32 or 34.</summary>
    public int AddressBits { get; private init; } = 32;

    /// <summary>Lines of the TLB.</summary>
    public int TlbLines { get; private init; }

    /// <summary>The bits of ACTIVE_LINES.</summary>
    public uint TlbLinesMask { get; private init; }

    /// <summary>Bytes that the PTC fetches at a time; flushes by address are multiples of it.</summary>
    public int Atom { get; private init; }

    /// <summary>The bits of a client's number in error registers.</summary>
    public uint ClientMask { get; private init; } = 0x7F;

    /// <summary>Whether misses can be served in turn.</summary>
    public bool HasRoundRobin { get; private init; }

    /// <summary>Whether the PTC's requests can be limited.</summary>
    public bool HasRequestLimit { get; private init; }

    /// <summary>The error causes that drivers enable.</summary>
    public TegraMcInterrupts Interrupts { get; private init; } =
        TegraMcInterrupts.DecodeError | TegraMcInterrupts.SecurityViolation | TegraMcInterrupts.InvalidSmmuPage;

    /// <summary>The swgroups.</summary>
    public IReadOnlyList<TegraSwgroup> Swgroups { get; private init; } = [];

    /// <summary>The clients, lowest number first.</summary>
    public IReadOnlyList<TegraClient> Clients { get; private init; } = [];

    /// <summary>Swgroups whose masters share an address space.</summary>
    public IReadOnlyList<TegraGroup> Groups { get; private init; } = [];

    /// <summary>The hot resets, by number.</summary>
    public IReadOnlyList<TegraHotReset> HotResets { get; private init; } = [];

    /// <summary>Whether physical addresses have more than 32 bits, so that a flush by address takes two registers.</summary>
    public bool IsWide => AddressBits > 32;

    /// <summary>The bits of PFN in a descriptor.</summary>
    public uint FrameMask => (1u << (AddressBits - TegraDescriptor.PageShift)) - 1;

    /// <summary>The place of the address-space number in <see cref="TegraTlbFlush"/>.</summary>
    public int AsidFlushShift => Asids > 4 ? 24 : 29;

    /// <summary>The SoC whose memory controller a device tree calls so, or null.</summary>
    public static TegraSoc? Find(string compatible) => All.FirstOrDefault(soc => soc.Compatible == compatible);

    /// <summary>A swgroup by its number, or null.</summary>
    public TegraSwgroup? FindSwgroup(uint id)
    {
        foreach (var swgroup in Swgroups)
        {
            if (swgroup.Id == id)
                return swgroup;
        }

        return null;
    }

    /// <summary>A client by its number, or null.</summary>
    public TegraClient? FindClient(uint id)
    {
        foreach (var client in Clients)
        {
            if (client.Id == id)
                return client;
        }

        return null;
    }

    /// <summary>The client by which a block that is not modelled in detail reads or writes: the client of its swgroup with the lowest
    /// number reads, the one with the highest writes. Inferred: the numbers of clients that write are mostly higher. Null for a swgroup
    /// without clients.</summary>
    public TegraClient? FindClient(uint swgroup, bool isWrite)
    {
        TegraClient? found = null;
        foreach (var client in Clients)
        {
            if (client.Swgroup == swgroup && (isWrite || found is null))
                found = client;
        }

        return found;
    }
}
