using System.Numerics;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.SmmuV3;

/// <summary>Which SMMUv3 a model is: what its identification registers say, how large its caches are, and what it does where the
/// architecture leaves a choice.</summary>
public sealed record SmmuV3Options
{
    /// <summary>A unit like Arm's MMU-600: architecture 3.1, 48 bits, all granules. Sizes of caches are unknown.</summary>
    public static SmmuV3Options Mmu600 { get; } = new() { MinorVersion = 1, HasRanges = false, OutputBits = 48, Iidr = 0x4830_043B };

    /// <summary>A unit like Arm's MMU-700: architecture 3.2, with range invalidations and dirty state.</summary>
    public static SmmuV3Options Mmu700 { get; } = new() { Updates = 2, OutputBits = 48, Iidr = 0x4870_043B };

    /// <summary>A unit that identifies itself as QEMU's model of the virt machine does (measured on QEMU 11): 16 bits of stream, no
    /// substreams, 44 bits, no stalls.</summary>
    public static SmmuV3Options Qemu { get; } = new()
    {
        SubstreamBits = 0,
        HasTwoLevelContexts = false,
        HasAts = false,
        HasPageRequests = false,
        Stalls = 0,
        OutputBits = 44,
    };

    /// <summary>Minor version of the architecture, 0 to 2: SMMU_AIDR.</summary>
    public int MinorVersion { get; init; } = 2;

    /// <summary>SMMU_IIDR.</summary>
    public uint Iidr { get; init; }

    /// <summary>Whether there is a stage 1.</summary>
    public bool HasStage1 { get; init; } = true;

    /// <summary>Whether there is a stage 2.</summary>
    public bool HasStage2 { get; init; } = true;

    /// <summary>Whether there is the hypervisor's regime (HYP).</summary>
    public bool HasHypervisor { get; init; }

    /// <summary>Bits of a stream, 0 to 32; beyond 6 the table may have two levels.</summary>
    public int StreamBits { get; init; } = 16;

    /// <summary>Bits of a substream, 0 to 20; 0 for none.</summary>
    public int SubstreamBits { get; init; } = 16;

    /// <summary>Whether stream tables may have two levels.</summary>
    public bool HasTwoLevelStreams { get; init; } = true;

    /// <summary>Whether tables of context descriptors may have two levels.</summary>
    public bool HasTwoLevelContexts { get; init; } = true;

    /// <summary>Bits of a physical address: 32, 36, 40, 42, 44, 48 or 52.</summary>
    public int OutputBits { get; init; } = 48;

    /// <summary>The granules: <see cref="SmmuV3AddressSizes.Granule4K"/> and its siblings; at least one.</summary>
    public uint Granules { get; init; } = SmmuV3AddressSizes.Granule4K | SmmuV3AddressSizes.Granule16K | SmmuV3AddressSizes.Granule64K;

    /// <summary>Whether tables and queues are read through the CPU's caches (COHACC).</summary>
    public bool IsCoherent { get; init; } = true;

    /// <summary>HTTU of both stages: 0 nothing, 1 access flags, 2 dirty state as well.</summary>
    public int Updates { get; init; }

    /// <summary>Whether devices may ask for translations.</summary>
    public bool HasAts { get; init; } = true;

    /// <summary>Whether devices may request pages.</summary>
    public bool HasPageRequests { get; init; } = true;

    /// <summary>Whether interrupts can be messages.</summary>
    public bool HasMessages { get; init; } = true;

    /// <summary>Whether there are range invalidations.</summary>
    public bool HasRanges { get; init; } = true;

    /// <summary>Bits of an address space number: 8 or 16.</summary>
    public int AsidBits { get; init; } = 16;

    /// <summary>Bits of a virtual machine's number: 8 or 16.</summary>
    public int VmidBits { get; init; } = 16;

    /// <summary>How many accesses can be stalled at once, 0 to 4096; 0: none is (STALL_MODEL 1).</summary>
    public int Stalls { get; init; } = 64;

    /// <summary>Whether every fault stalls (STALL_MODEL 2).</summary>
    public bool AlwaysStalls { get; init; }

    /// <summary>Log2 of the most commands that can wait, 0 to 19.</summary>
    public int CommandsLog2 { get; init; } = 19;

    /// <summary>Log2 of the most events that can wait, 0 to 19.</summary>
    public int EventsLog2 { get; init; } = 19;

    /// <summary>Log2 of the most page requests that can wait, 0 to 19.</summary>
    public int PageRequestsLog2 { get; init; } = 19;

    /// <summary>Entries of the TLB, 1 to 65536. Implementation defined; default 256, all alike.</summary>
    public int TlbEntries { get; init; } = 256;

    /// <summary>How many tables of the last level are kept, for walks to begin there: 0, or a power of two up to 65536. Implementation
    /// defined; default 64.</summary>
    public int WalkSteps { get; init; } = 64;

    /// <summary>Which TLB entry is replaced. Implementation defined.</summary>
    public ReplacementPolicy Replacement { get; init; } = ReplacementPolicy.RoundRobin;

    /// <summary>How many streams' and substreams' configurations are kept, a power of two from 1 to 65536. Implementation
    /// defined.</summary>
    public int Configurations { get; init; } = 256;

    internal SmmuV3Features Features => new(
        (HasStage2 ? SmmuV3Features.Stage2 : 0)
        | (HasStage1 ? SmmuV3Features.Stage1 : 0)
        | SmmuV3Features.Tables64
        | (IsCoherent ? SmmuV3Features.Coherent : 0)
        | (uint)Updates << SmmuV3Features.UpdatesShift
        | (HasHypervisor ? SmmuV3Features.Hypervisor : 0)
        | (HasAts ? SmmuV3Features.Ats : 0)
        | (AsidBits == 16 ? SmmuV3Features.Asid16 : 0)
        | (HasMessages ? SmmuV3Features.Messages : 0)
        | (HasPageRequests ? SmmuV3Features.PageRequests : 0)
        | (VmidBits == 16 ? SmmuV3Features.Vmid16 : 0)
        | (HasTwoLevelContexts ? SmmuV3Features.TwoLevelContexts : 0)
        | SmmuV3Features.LittleEndianTables
        | (Stalls == 0 ? 1u : AlwaysStalls ? 2u : 0) << SmmuV3Features.StallModelShift
        | SmmuV3Features.AlwaysAborts
        | (HasTwoLevelStreams ? SmmuV3Features.TwoLevelStreams : 0));

    internal SmmuV3Sizes Sizes => SmmuV3Sizes.Of(StreamBits, SubstreamBits, PageRequestsLog2, EventsLog2, CommandsLog2);

    internal SmmuV3AddressSizes AddressSizes => SmmuV3AddressSizes.Of(
        OutputBits, Granules | (OutputBits == 52 ? SmmuV3AddressSizes.Input52 : 0), (ushort)Stalls);

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ApertureException">A member is out of its range; the message names it.</exception>
    internal void Validate()
    {
        const uint All = SmmuV3AddressSizes.Granule4K | SmmuV3AddressSizes.Granule16K | SmmuV3AddressSizes.Granule64K;
        Check(MinorVersion is >= 0 and <= 2, nameof(MinorVersion), MinorVersion);
        Check(HasStage1 || HasStage2, nameof(HasStage1), 0);
        Check(StreamBits is >= 0 and <= 32, nameof(StreamBits), StreamBits);
        Check(SubstreamBits is >= 0 and <= 20, nameof(SubstreamBits), SubstreamBits);
        Check(SmmuV3AddressSizes.CodeOf(OutputBits) >= 0, nameof(OutputBits), OutputBits);
        Check((Granules & All) != 0 && (Granules & ~All) == 0, nameof(Granules), Granules);
        Check(Updates is >= 0 and <= 2, nameof(Updates), Updates);
        Check(AsidBits is 8 or 16, nameof(AsidBits), AsidBits);
        Check(VmidBits is 8 or 16, nameof(VmidBits), VmidBits);
        Check(Stalls is >= 0 and <= 4096, nameof(Stalls), Stalls);
        Check(!AlwaysStalls || Stalls > 0, nameof(AlwaysStalls), 1);
        Check(CommandsLog2 is >= 0 and <= 19, nameof(CommandsLog2), CommandsLog2);
        Check(EventsLog2 is >= 0 and <= 19, nameof(EventsLog2), EventsLog2);
        Check(PageRequestsLog2 is >= 0 and <= 19, nameof(PageRequestsLog2), PageRequestsLog2);
        Check(TlbEntries is >= 1 and <= 65536, nameof(TlbEntries), TlbEntries);
        Check(WalkSteps == 0 || (WalkSteps is >= 1 and <= 65536 && BitOperations.IsPow2(WalkSteps)), nameof(WalkSteps), WalkSteps);
        Check(Configurations is >= 1 and <= 65536 && BitOperations.IsPow2(Configurations), nameof(Configurations), Configurations);
    }

    private static void Check(bool holds, string name, long value)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, $"an SMMUv3 with {name} = {value} does not exist");
    }
}
