using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Drivers.Tegra;

/// <summary>Memory for tables. The units keep table words by their physical address, whoever they belong to: what was written is flushed
/// from there once it is in memory, before any TLB is; and of a table that is given back nothing is kept.</summary>
/// <param name="tables">Where the memory comes from.</param>
internal sealed class TegraTables(ITableMemory tables) : ITableMemory
{
    private readonly Lock _lock = new();
    private TegraSmmuUnit[] _units = []; // replaced whole, so that a clean reads it without a lock

    /// <inheritdoc/>
    public PhysicalMemory Memory => tables.Memory;

    /// <summary>Tells a unit of changes from now on; until the result is disposed.</summary>
    public IDisposable Register(TegraSmmuUnit unit)
    {
        lock (_lock)
            _units = [.. _units, unit];
        return new Registration(this, unit);
    }

    /// <inheritdoc/>
    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table) =>
        tables.TryAllocate(bytes, alignment, addressBits, out table);

    /// <inheritdoc/>
    public void Free(PhysicalAddress table, int bytes)
    {
        InvalidateWords(table, bytes);
        tables.Free(table, bytes);
    }

    /// <inheritdoc/>
    public void Clean(PhysicalAddress start, int bytes)
    {
        tables.Clean(start, bytes);
        InvalidateWords(start, bytes);
    }

    private void InvalidateWords(PhysicalAddress start, int bytes)
    {
        foreach (var unit in Volatile.Read(ref _units))
            unit.InvalidateWords(start, bytes);
    }

    private sealed class Registration(TegraTables tables, TegraSmmuUnit unit) : IDisposable
    {
        public void Dispose()
        {
            lock (tables._lock)
                tables._units = [.. tables._units.Where(other => other != unit)];
        }
    }
}
