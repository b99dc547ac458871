using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Table memory as a walker sees it that does not snoop: only what was cleaned. What is no table is rubbish.</summary>
public sealed class RecordingTableMemory(TestMachine machine) : ITableMemory
{
    private const byte Rubbish = 0xAD;

    private readonly byte[] _seen = NewRubbish((int)machine.Ram.Length);

    public List<(PhysicalAddress Start, int Bytes)> Cleaned { get; } = [];

    /// <summary>Called before each clean.</summary>
    public Action<PhysicalAddress, int>? BeforeClean { get; set; }

    /// <summary>Called after each clean.</summary>
    public Action<PhysicalAddress, int>? OnClean { get; set; }

    public PhysicalMemory Memory => machine.Memory;

    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table)
    {
        if (!machine.Tables.TryAllocate(bytes, alignment, addressBits, out table))
            return false;
        Seen(table, bytes).Clear();
        return true;
    }

    public void Free(PhysicalAddress table, int bytes)
    {
        Seen(table, bytes).Fill(Rubbish);
        machine.Tables.Free(table, bytes);
    }

    public void Clean(PhysicalAddress start, int bytes)
    {
        BeforeClean?.Invoke(start, bytes);
        Cleaned.Add((start, bytes));
        machine.Memory.Span(start, bytes).CopyTo(Seen(start, bytes));
        OnClean?.Invoke(start, bytes);
    }

    public Span<byte> Seen(PhysicalAddress start, int bytes) => _seen.AsSpan((int)(start - machine.Ram.Start), bytes);

    private static byte[] NewRubbish(int bytes)
    {
        var rubbish = new byte[bytes];
        rubbish.AsSpan().Fill(Rubbish);
        return rubbish;
    }
}
