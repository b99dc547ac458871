using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;

namespace Aperture.Drivers.SmmuV3;

/// <summary>What a unit's identification registers say.</summary>
/// <param name="Features">SMMU_IDR0.</param>
/// <param name="Sizes">SMMU_IDR1.</param>
/// <param name="Invalidations">SMMU_IDR3.</param>
/// <param name="Addresses">SMMU_IDR5.</param>
/// <param name="GranuleShift">Log2 of the granule that the driver uses.</param>
internal sealed record SmmuV3Identity(
    SmmuV3Features Features, SmmuV3Sizes Sizes, uint Invalidations, SmmuV3AddressSizes Addresses, int GranuleShift)
{
    private const int MostLinearStreamBits = 16;    // 4 MiB of entries
    private const int MostDirectoryBits = 17;       // 1 MiB of entries of the first level
    private const int MostLinearSubstreamBits = 10; // 64 KiB of context descriptors

    /// <summary>Bits of a stream that index the second level.</summary>
    public const int Split = 8;

    /// <summary>Whether stages are there.</summary>
    public bool HasStage1 => Features.Has(SmmuV3Features.Stage1);

    /// <inheritdoc cref="HasStage1"/>
    public bool HasStage2 => Features.Has(SmmuV3Features.Stage2);

    /// <summary>Whether the unit reads and writes coherently.</summary>
    public bool IsCoherent => Features.Has(SmmuV3Features.Coherent);

    /// <summary>Whether it keeps account of what was written.</summary>
    public bool MarksDirty => Features.Updates >= 2;

    /// <summary>Whether it has range invalidations.</summary>
    public bool HasRanges => (Invalidations & SmmuV3Register.RangeInvalidation) != 0;

    /// <summary>Whether streams can, and whether they must, stall.</summary>
    public bool CanStall => Features.StallModel is 0 or 2;

    /// <inheritdoc cref="CanStall"/>
    public bool MustStall => Features.StallModel == 2;

    /// <summary>Whether it answers ATS requests.</summary>
    public bool HasAts => Features.Has(SmmuV3Features.Ats);

    /// <summary>Whether it has a queue of page requests.</summary>
    public bool HasPageRequests => HasAts && Features.Has(SmmuV3Features.PageRequests);

    /// <summary>Whether the stream table has two levels.</summary>
    public bool HasTwoLevelStreams => Features.Has(SmmuV3Features.TwoLevelStreams) && Sizes.StreamBits > Split;

    /// <summary>Bits of a stream that the driver gives the table.</summary>
    public int StreamBits => Math.Min(Sizes.StreamBits, HasTwoLevelStreams ? MostDirectoryBits + Split : MostLinearStreamBits);

    /// <summary>Whether context tables can have two levels.</summary>
    public bool HasTwoLevelContexts => Features.Has(SmmuV3Features.TwoLevelContexts);

    /// <summary>Bits of a substream that the driver uses.</summary>
    public int SubstreamBits => !HasStage1 ? 0 : Math.Min(Sizes.SubstreamBits, HasTwoLevelContexts ? Pasid.MaxBits
        : MostLinearSubstreamBits);

    /// <summary>The largest address space and virtual machine number.</summary>
    public int LastAsid => Features.Has(SmmuV3Features.Asid16) ? 0xFFFF : 0xFF;

    /// <inheritdoc cref="LastAsid"/>
    public int LastVmid => Features.Has(SmmuV3Features.Vmid16) ? 0xFFFF : 0xFF;

    /// <summary>Bits of a physical address.</summary>
    public int OutputBits => Addresses.OutputBits;

    /// <summary>Page sizes of the granule.</summary>
    public ulong PageSizes => GranuleShift switch
    {
        12 => ArmLpaeOptions.Granule4K,
        14 => ArmLpaeOptions.Granule16K,
        _ => ArmLpaeOptions.Granule64K,
    };

    /// <summary>Reads a unit's registers.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it is no SMMUv3, or none that the driver can use; the message
    /// says why. <see cref="Status.NotSupported"/>: it does not have the granule of the options.</exception>
    public static SmmuV3Identity Read(string name, RegisterRegion registers, SmmuV3DriverOptions options)
    {
        var features = new SmmuV3Features(registers.Read32(SmmuV3Register.Idr0));
        var addresses = new SmmuV3AddressSizes(registers.Read32(SmmuV3Register.Idr5));
        ReadOnlySpan<(int Shift, uint Bit)> granules =
            [(12, SmmuV3AddressSizes.Granule4K), (14, SmmuV3AddressSizes.Granule16K), (16, SmmuV3AddressSizes.Granule64K)];
        var granule = 0;
        foreach (var (shift, bit) in granules)
        {
            if (granule == 0 && addresses.Has(bit) && (options.GranuleShift == 0 || options.GranuleShift == shift))
                granule = shift;
        }

        if (granule == 0 && options.GranuleShift != 0)
        {
            throw new ApertureException(
                Status.NotSupported, $"{name} has no granule of 2^{options.GranuleShift} bytes (IDR5 is 0x{addresses.Value:x})");
        }

        var identity = new SmmuV3Identity(
            features, new SmmuV3Sizes(registers.Read32(SmmuV3Register.Idr1)), registers.Read32(SmmuV3Register.Idr3), addresses, granule);
        var problem = identity switch
        {
            { HasStage1: false, HasStage2: false } => $"has neither stage (IDR0 is 0x{features.Value:x})",
            _ when !features.Has(SmmuV3Features.Tables64) => $"does not read tables of VMSAv8-64 (IDR0 is 0x{features.Value:x})",
            { GranuleShift: 0 } => $"has no granule (IDR5 is 0x{addresses.Value:x})",
            { OutputBits: 0 } => $"has an unknown size of addresses (IDR5 is 0x{addresses.Value:x})",
            { Sizes: { CommandsLog2: 0 } or { EventsLog2: 0 } } => $"has queues of one entry (IDR1 is 0x{identity.Sizes.Value:x})",
            _ => null,
        };
        return problem is null ? identity : throw new ApertureException(Status.NoDevice, $"{name} {problem}");
    }

    /// <summary>The page tables of a stage.</summary>
    /// <param name="isStage2">Which stage.</param>
    /// <param name="inputBits">Bits of a device address; 0 for all.</param>
    /// <param name="tracksDirty">Whether what is written is marked.</param>
    public ArmLpaeFormat FormatOf(bool isStage2, int inputBits, bool tracksDirty) => new(new ArmLpaeOptions
    {
        Kind = isStage2 ? ArmLpaeKind.Stage2 : ArmLpaeKind.Stage1,
        InputBits = InputBitsOf(isStage2, inputBits),
        OutputBits = OutputBits,
        PageSizes = PageSizes,
        TracksDirty = tracksDirty,
        CoherentWalk = IsCoherent,
    });

    /// <summary>Bits of a device address of a stage.</summary>
    private int InputBitsOf(bool isStage2, int wanted)
    {
        const int fewest = 25; // T0SZ is at most 39
        var most = isStage2 ? OutputBits : GranuleShift == 16 ? Addresses.InputBits : 48;
        return wanted == 0 ? most : Math.Clamp(wanted, fewest, most);
    }
}
