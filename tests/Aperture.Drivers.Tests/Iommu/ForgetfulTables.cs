using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>Table memory that never cleans what the CPU wrote.</summary>
public sealed class ForgetfulTables(ITableMemory tables) : ITableMemory
{
    public PhysicalMemory Memory => tables.Memory;

    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table) =>
        tables.TryAllocate(bytes, alignment, addressBits, out table);

    public void Free(PhysicalAddress table, int bytes) => tables.Free(table, bytes);

    public void Clean(PhysicalAddress start, int bytes)
    {
    }
}
