using Aperture.Core.Memory;

namespace Aperture.Core.Tests.PageTables;

/// <summary>RAM with a table allocator.</summary>
public sealed class TestMachine : IDisposable
{
    public TestMachine(ulong ramStart = 0x8000_0000, ulong ramBytes = 64 << 20)
    {
        Ram = new MemoryRange(new PhysicalAddress(ramStart), ramBytes);
        Memory = new PhysicalMemory(Ram);
        Pages = new PageAllocator(Memory);
        Tables = new TableAllocator(Pages);
    }

    public MemoryRange Ram { get; }

    public PhysicalMemory Memory { get; }

    public PageAllocator Pages { get; }

    public TableAllocator Tables { get; }

    public PhysicalAddress NewZeroTable()
    {
        Assert.True(Tables.TryAllocate(1024, 1024, 32, out var table));
        return table;
    }

    public byte[] Copy(PhysicalAddress start, int bytes) => Memory.Span(start, bytes).ToArray();

    public uint Word(PhysicalAddress address) => BitConverter.ToUInt32(Memory.Span(address, 4));

    public void Poke(PhysicalAddress address, uint value) => BitConverter.TryWriteBytes(Memory.Span(address, 4), value);

    public void Dispose() => Memory.Dispose();
}
