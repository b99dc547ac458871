using Aperture.Boards;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Dma.Flush;
using Aperture.Dma.Memory;
using Aperture.Drivers.Tests.Machine;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

// The same through the DMA API, which has device addresses, memory and tables to give back.
public abstract partial class IommuDriverTests
{
    public static TheoryData<string, DomainType, string> DmaTruths
    {
        get
        {
            var cases = new TheoryData<string, DomainType, string>();
            foreach (var kind in new[] { "streaming", "coherent", "scatter" })
            {
                foreach (var type in new[] { DomainType.Dma, DomainType.DmaDeferred })
                {
                    foreach (var fault in new[] { "clock", "dead", "once" })
                        cases.Add(kind, type, fault);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(DmaTruths))]
    public void Memory_that_the_DMA_API_let_go_is_reached_by_no_master_whichever_register_access_failed(
        string kind,
        DomainType type,
        string fault)
    {
        _board.Core.DefaultDomainType = type;
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        unit.On();
        var clock = new MachineClock();
        var memory = new BusMemory(_board.Memory, new MemoryRange(_board.Data, 1 << 20));
        var dma = master.Device.Dma;
        dma.Attach(new DmaPlatform(memory, clock), master.Group.DefaultDomain, null);
        var domain = master.Group.DefaultDomain!;
        using (dma.Map(memory.Allocate((int)Page), DmaDirection.Bidirectional))
        {
            // The first of all: what is made once is there then.
        }

        clock.Advance(FlushQueue.Timeout);
        var (used, taken, tables) = (domain.Space!.UsedBytes, memory.Taken, _board.Tables.BytesInUse);
        var wasHit = true;
        for (var access = 1; wasHit; access++)
        {
            var (block, address, end) = Make(kind, dma, memory);
            master.Reaches(address, block.Address);
            var failures = _board.Core.FailureCount;
            wasHit = Strike(
                unit,
                access,
                fault,
                () =>
                {
                    end();
                    clock.Advance(FlushQueue.Timeout);
                },
                out var error);
            Assert.False(IsReached(master, address, block.Address), "the memory is reached after its unmap");
            Assert.True(error is null || domain.IsQuarantining);
            if (domain.IsQuarantining)
                Assert.True(domain.QuarantinedBytes >= Page && memory.Taken > taken, "what the unit may still know was given back");
            Assert.True(kind != "coherent" || error is null);
            Assert.True(!wasHit || _board.Core.FailureCount > failures);
            unit.Cycle(losesState: false);
            Assert.False(domain.IsQuarantining);
            Assert.False(IsReached(master, address, block.Address));
            unit.Cycle(losesState: false);
            if (kind != "coherent")
                memory.Free(block);
            Assert.Equal((used, taken, tables), (domain.Space.UsedBytes, memory.Taken, _board.Tables.BytesInUse));
        }

        dma.Detach();
        unit.Off();
        _board.Core.Release(master.Device);
    }

    private static (MemoryBlock Block, Iova Address, Action End) Make(string kind, DmaContext dma, SystemMemory memory)
    {
        if (kind == "coherent")
        {
            var buffer = dma.Allocate((int)Page);
            return (buffer.Memory, buffer.Address, () => buffer.Dispose());
        }

        var block = memory.Allocate((int)Page);
        if (kind == "streaming")
        {
            var mapping = dma.Map(block, DmaDirection.Bidirectional);
            return (block, mapping.Address, () => mapping.Dispose());
        }

        var table = new ScatterTable(2);
        table.Map(dma, [block.Slice(0, 2048), block.Slice(2048, 2048)], DmaDirection.Bidirectional);
        return (block, table.Segments[0].Address, () => table.Unmap());
    }
}
