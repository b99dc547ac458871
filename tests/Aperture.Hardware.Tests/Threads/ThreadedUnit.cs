using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>A unit with tables of its own and the register writes that its software makes, which any thread may ask for.</summary>
public abstract class ThreadedUnit : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const ulong PageSize = 4096;

    protected ThreadedUnit()
    {
        Memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), 16 << 20));
        Bus = new SystemBus(Memory);
    }

    public PhysicalMemory Memory { get; }

    public SystemBus Bus { get; }

    public abstract TranslationUnit Unit { get; }

    /// <summary>A port of a master; masters with different numbers may come in by different streams.</summary>
    public DmaPort Port(int master) => new(Bus, Unit, StreamOf(master));

    /// <summary>A page of memory that is not used for tables.</summary>
    public static PhysicalAddress Data(int number) => new(Ram + (8 << 20) + ((ulong)number * PageSize));

    public Span<byte> Bytes(int number) => Memory.Span(Data(number), (int)PageSize);

    /// <summary>Maps a page as a driver does, for masters that never saw the address as well as for those that did.</summary>
    public abstract void Map(Iova iova, PhysicalAddress page);

    /// <summary>Unmaps a page and invalidates it: when this has returned, the page is free.</summary>
    public abstract void Unmap(Iova iova);

    /// <summary>Lets go on what a fault stalled.</summary>
    public virtual void Release()
    {
    }

    public virtual void Dispose()
    {
        Memory.Dispose();
        GC.SuppressFinalize(this);
    }

    protected virtual StreamId StreamOf(int master) => default;
}
