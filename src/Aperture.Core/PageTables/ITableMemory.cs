using Aperture.Core.Memory;

namespace Aperture.Core.PageTables;

/// <summary>Where page tables live: an allocator of table pages and the cache maintenance that makes what the CPU wrote
/// visible to a walker. Called per table and per run of entries, never per page.</summary>
public interface ITableMemory
{
    /// <summary>The memory that holds the tables.</summary>
    PhysicalMemory Memory { get; }

    /// <summary>Whether <see cref="Clean"/> does anything. It stays what it was when the first page table was made; where it is false
    /// nobody calls.</summary>
    bool NeedsClean => true;

    /// <summary>Allocates a table of <paramref name="bytes"/>, zeroed and clean, at a multiple of <paramref name="alignment"/>
    /// and wholly below 2^<paramref name="addressBits"/>.</summary>
    /// <returns>False when there is none; nothing was taken then.</returns>
    bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table);

    /// <summary>Gives a table back.</summary>
    void Free(PhysicalAddress table, int bytes);

    /// <summary>Makes what the CPU wrote to the range visible to a walker that does not snoop. A no-op where walkers snoop.</summary>
    void Clean(PhysicalAddress start, int bytes);
}
