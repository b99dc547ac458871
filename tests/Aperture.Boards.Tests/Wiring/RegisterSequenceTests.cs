using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests.Wiring;

public sealed class RegisterSequenceTests : IDisposable
{
    private static readonly PhysicalAddress Registers = new(0x5500_0000);

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));
    private readonly OmapMmu _unit;
    private readonly BusRegisterRegion _region;

    public RegisterSequenceTests()
    {
        var bus = new SystemBus(_memory);
        _unit = new OmapMmu(bus, new OmapMmuOptions());
        bus.Attach(Registers, _unit);
        _region = new BusRegisterRegion(bus, Registers, _unit.Size, "mmu");
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Does_what_single_accesses_do_the_first_the_second_and_the_third_time()
    {
        for (uint value = 1; value <= 3; value++)
        {
            using (var registers = _region.Begin())
            {
                registers.Write32(OmapRegisters.TableBase, value << 14);
                Assert.Equal(value << 14, registers.Read32(OmapRegisters.TableBase));
                Assert.Equal((value << 14) | 0x80, registers.Update32(OmapRegisters.TableBase, 0x80, 0x80));
            }

            Assert.Equal((value << 14) | 0x80, _region.Read32(OmapRegisters.TableBase));
        }
    }

    [Fact]
    public void Another_thread_waits_for_the_end()
    {
        _region.Read32(OmapRegisters.Revision);
        using var isHeld = new ManualResetEventSlim();
        using var isAsked = new ManualResetEventSlim();
        uint seen = 0;
        var other = new Thread(() =>
        {
            isHeld.Wait();
            isAsked.Set();
            seen = _region.Read32(OmapRegisters.TableBase);
        });
        other.Start();
        using (var registers = _region.Begin())
        {
            registers.Write32(OmapRegisters.TableBase, 0x4000);
            isHeld.Set();
            isAsked.Wait();
            for (var i = 0; i < 1000; i++)
                Thread.Yield();
            Assert.Equal(0u, Volatile.Read(ref seen));
            registers.Write32(OmapRegisters.TableBase, 0x8000);
        }

        other.Join();
        Assert.Equal(0x8000u, seen);
    }

    [Fact]
    public void An_access_that_nothing_answers_ends_the_sequence_and_lets_the_unit_go()
    {
        _region.Read32(OmapRegisters.Revision);
        _unit.IsClocked = false;
        for (var time = 0; time < 3; time++)
        {
            var error = Assert.Throws<BusErrorException>(() =>
            {
                using var registers = _region.Begin();
                registers.Write32(OmapRegisters.TableBase, 0x4000);
            });
            Assert.Contains("mmu", error.Message, StringComparison.Ordinal);
        }

        _unit.IsClocked = true;
        Assert.Equal(0u, _region.Read32(OmapRegisters.TableBase));
    }

    [Fact]
    public void An_interrupt_that_an_access_raises_is_told_when_the_sequence_has_ended()
    {
        _region.Write32(OmapRegisters.Control, 2); // MMU_CNTL.MMUENABLE, no walker: what the TLB does not hold faults
        Assert.NotEqual(TranslationStatus.Ok, _unit.Translate(new BusRequest(default(StreamId), new Iova(0x1000), DmaAccess.Read)).Status);
        var isOver = false;
        var told = new List<(bool Level, bool IsOver)>();
        _unit.Interrupt.Changed = level => told.Add((level, isOver));
        for (var time = 0; time < 3; time++)
        {
            isOver = false;
            using (var registers = _region.Begin())
            {
                registers.Write32(OmapRegisters.IrqEnable, 0x1F);
                isOver = true;
            }

            _region.Write32(OmapRegisters.IrqEnable, 0);
        }

        Assert.Equal([(true, true), (false, true), (true, true), (false, true), (true, true), (false, true)], told);
    }
}
