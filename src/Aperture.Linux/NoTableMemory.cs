using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Linux;

/// <summary>A machine whose page tables the kernel keeps: nobody here needs any.</summary>
internal sealed class NoTableMemory : ITableMemory
{
    /// <inheritdoc/>
    public PhysicalMemory Memory => throw Refusal();

    /// <inheritdoc/>
    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table)
    {
        table = default;
        return false;
    }

    /// <inheritdoc/>
    public void Free(PhysicalAddress table, int bytes) => throw Refusal();

    /// <inheritdoc/>
    public void Clean(PhysicalAddress start, int bytes) => throw Refusal();

    private static ApertureException Refusal() =>
        new(Status.NotSupported, "the kernel keeps the page tables of a host; there are none here");
}
