using Aperture.Diagnostics;
using Aperture.Linux.Memory;
using Microsoft.Extensions.Logging;

namespace Aperture.Linux;

/// <summary>How a <see cref="HostMachine"/> is made.</summary>
public sealed record HostMachineOptions
{
    /// <summary>Whether memory for devices comes in huge pages.</summary>
    public HugePages HugePages { get; init; } = HugePages.Try;

    /// <summary>Hears of maps, unmaps and attachments, or null.</summary>
    public DmaTrace? Trace { get; init; }

    /// <summary>Hears of everything that the driver core's log records, and of every device that is opened without an IOMMU; or
    /// null.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>Where the file system with <c>sys</c>, <c>proc</c> and <c>dev</c> begins; something else than <c>/</c> for tests.</summary>
    public string Root { get; init; } = "/";
}
