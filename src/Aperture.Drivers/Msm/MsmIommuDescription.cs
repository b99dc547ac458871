using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Drivers.Msm;

/// <summary>What a driver must be told of an MSM IOMMU because no register says it reliably.</summary>
public sealed record MsmIommuDescription
{
    private const string BanksProperty = "qcom,ncb";
    private const int MaxBanks = 128; // what fits below the shared registers' words

    /// <summary>Number of context banks.</summary>
    public required int Banks { get; init; }

    /// <summary>How many of the first banks somebody else uses, firmware for instance; they are left alone.</summary>
    public int ReservedBanks { get; init; }

    /// <summary>Reads the properties of a node: <c>qcom,ncb</c>.</summary>
    /// <param name="name">The device's name, for messages.</param>
    /// <param name="node">Its node.</param>
    /// <exception cref="ApertureException">The property is missing or cannot be read.</exception>
    public static MsmIommuDescription Read(string name, DeviceTreeNode? node)
    {
        if (node?.U32(BanksProperty) is not { } banks)
            throw new ApertureException(Status.InvalidArgument, $"{name}: {BanksProperty}, the number of context banks, is not one number");
        return new MsmIommuDescription { Banks = (int)Math.Min(banks, int.MaxValue) };
    }

    /// <summary>Refuses what no unit is.</summary>
    internal void Check(string name)
    {
        if (Banks is < 1 or > MaxBanks)
            throw new ApertureException(Status.InvalidArgument, $"{name}: an MSM IOMMU has 1 to {MaxBanks} context banks, not {Banks}");
        if (ReservedBanks < 0 || ReservedBanks >= Banks)
            throw new ApertureException(
                Status.InvalidArgument,
                $"{name}: {ReservedBanks} of {Banks} context banks are reserved: none is left");
    }
}
