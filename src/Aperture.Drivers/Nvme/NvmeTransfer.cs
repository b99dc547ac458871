namespace Aperture.Drivers.Nvme;

/// <summary>How data are described to an NVMe controller.</summary>
public enum NvmeTransfer
{
    /// <summary>PRPs: the first page, and a list of the others.</summary>
    Prp,

    /// <summary>One SGL descriptor, where the controller has SGLs; else PRPs.</summary>
    Sgl,
}
