using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Tests.Threads;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

/// <summary>What the base class makes sure of for every unit.</summary>
public class UnitContractTests
{
    public static TheoryData<string> Kinds => [.. ThreadedUnits.Kinds];

    /// <summary>A port asked such a unit for ever.</summary>
    [Fact]
    public void A_unit_that_translates_no_byte_does_not_keep_its_master_asking()
    {
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));
        var bus = new SystemBus(memory);
        foreach (var isHit in (bool[])[false, true])
        {
            var port = new DmaPort(bus, new EmptyUnit(bus, isHit));
            Assert.Equal(DmaStatus.Refused, port.Read(new Iova(0x1000), new byte[16], out var count));
            Assert.Equal(0, count);
            Assert.Equal(DmaStatus.Refused, port.Write(new Iova(0x1000), new byte[16], out count));
            Assert.Equal(0, count);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Units_without_address_spaces_of_masters_or_translation_requests_abort_them(string kind)
    {
        using var unit = ThreadedUnits.New(kind);
        var iova = new Iova(0x1000_0000);
        unit.Map(iova, ThreadedUnit.Data(0));
        var stream = unit.Port(0).Stream;
        Assert.Equal(TranslationStatus.Ok, unit.Unit.Translate(new BusRequest(stream, iova, DmaAccess.Read)).Status);
        var other = new BusRequest(new Requester(stream, new Pasid(0)), iova, DmaAccess.Read);
        Assert.Equal(TranslationStatus.Aborted, unit.Unit.Translate(other).Status);
        foreach (var asked in (TranslationKind[])[TranslationKind.Translated, TranslationKind.TranslationRequest])
        {
            other = new BusRequest(new Requester(stream), iova, DmaAccess.Read, kind: asked);
            Assert.Equal(TranslationStatus.Aborted, unit.Unit.Translate(other).Status);
        }

        Assert.Equal(0ul, unit.Unit.Counters.Faults);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_answer_tells_what_the_master_may_do(string kind)
    {
        using var unit = ThreadedUnits.New(kind);
        var iova = new Iova(0x1000_0000);
        unit.Map(iova, ThreadedUnit.Data(0));
        for (var round = 0; round < 2; round++)
        {
            var result = unit.Unit.Translate(new BusRequest(unit.Port(0).Stream, iova + 0x123, DmaAccess.Write));
            Assert.Equal((ThreadedUnit.Data(0) + 0x123, 4096ul - 0x123), (result.Address, result.Length));
            Assert.Equal(Protection.ReadWrite, result.Protection & Protection.ReadWrite);
        }
    }

    [Fact]
    public void A_requester_keeps_what_it_was_made_of()
    {
        var flags = AccessFlags.Privileged | AccessFlags.Secure | AccessFlags.Debug;
        var requester = new Requester(new StreamId(uint.MaxValue), new Pasid(Pasid.Largest), flags);
        Assert.Equal((new StreamId(uint.MaxValue), new Pasid(Pasid.Largest), flags), (requester.Stream, requester.Pasid, requester.Flags));
        Assert.Null(new Requester(new StreamId(1), null, flags).Pasid);
        Assert.Equal(new Pasid(0), new Requester(default, new Pasid(0)).Pasid);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Requester(default, new Pasid(Pasid.Largest + 1)));
        var request = new BusRequest(requester, new Iova(5), DmaAccess.Read, 7, 9, TranslationKind.Translated);
        Assert.Equal((requester, 7u), (request.Requester, request.Length));
        Assert.Equal(((ushort)9, TranslationKind.Translated), (request.Tag, request.Kind));
        Assert.True(request is { IsPrivileged: true, IsSecure: true, IsDebug: true, IsFetch: false, IsWrite: false });
    }

    private sealed class EmptyUnit(SystemBus bus, bool isHit) : TranslationUnit(bus)
    {
        public override uint Size => 4;

        public override int CacheEntries => 0;

        public override TranslationCounters Counters => default;

        protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
        {
            isCounted = true;
            result = new TranslationResult(TranslationStatus.Ok, new PhysicalAddress(0x8000_0000));
            return isHit;
        }

        protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result) =>
            result = new TranslationResult(TranslationStatus.Ok, new PhysicalAddress(0x8000_0000));

        protected override bool TryReadRegister(uint offset, int width, out ulong value)
        {
            value = 0;
            return true;
        }

        protected override bool TryWriteRegister(uint offset, int width, ulong value) => true;

        protected override void ResetRegisters()
        {
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_access_to_registers_counted_its_hit_twice(string kind)
    {
        using var unit = ThreadedUnits.New(kind);
        var iova = new Iova(0x1000_0000);
        var registers = new PhysicalAddress(0x4000_0000);
        unit.Bus.Attach(registers, new OneRegister());
        unit.Map(iova, registers);
        var port = unit.Port(0);
        Assert.Equal(DmaStatus.Ok, port.Write(iova, [1, 2, 3, 4], out _));
        var before = unit.Unit.Counters;
        for (var i = 0; i < 5; i++)
            Assert.Equal(DmaStatus.Ok, port.Write(iova, [1, 2, 3, 4], out _));
        Assert.Equal(before with { Hits = before.Hits + 5 }, unit.Unit.Counters);
    }

    private sealed class OneRegister : IMmioDevice
    {
        public uint Size => 0x1000;

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = 0;
            return true;
        }

        public bool TryWrite(uint offset, int width, ulong value) => true;
    }
}
