using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>What commands drop and what they leave; how they end.</summary>
public sealed class SmmuV3CommandTests : IDisposable
{
    private const ulong Low = 0x1234_5000;
    private const ulong High = 0x1235_0000;

    private readonly SmmuV3Rig _rig = new(new SmmuV3Options { HasHypervisor = true });

    public void Dispose() => _rig.Dispose();

    /// <summary>Which of five warm translations a command drops: two pages of address space 1, one of 2, one of another machine, one of
    /// stage 2 alone.</summary>
    public static TheoryData<string, ulong, ulong, bool[]> Drops
    {
        get
        {
            var data = new TheoryData<string, ulong, ulong, bool[]>();
            void Add(string name, SmmuV3Command command, params bool[] stays) => data.Add(name, command.Low, command.High, stays);
            Add("all of a machine", SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, 0), false, false, false, true, true);
            Add("an address space", SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, 0, 1), false, false, true, true, true);
            Add("a page", SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, Low, true), false, true, true, true, true);
            Add("a page in all", SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddressOfAll, 0, 0, Low, true), false, true, false, true, true);
            Add("a range", SmmuV3Command.TlbRange(SmmuV3Opcode.TlbAddress, 0, 1, Low, true, 1, 3, 12, 0), false, false, true, true, true);
            Add("a range that ends before", SmmuV3Command.TlbRange(SmmuV3Opcode.TlbAddress, 0, 1, Low, true, 1, 3, 11, 0),
                false, true, true, true, true);
            Add("a range by its scale", SmmuV3Command.TlbRange(SmmuV3Opcode.TlbAddress, 0, 1, Low, false, 1, 0, 3, 2),
                false, false, true, true, true);
            Add("another space's page", SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 3, Low, true), true, true, true, true, true);
            Add("a machine, both stages", SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine, 9), true, true, true, false, true);
            Add("stage 2 of an address", SmmuV3Command.TlbPage(SmmuV3Opcode.TlbIntermediate, 1, 0, Low, true),
                true, true, true, true, false);
            Add("all", SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll), false, false, false, false, false);
            Add("the hypervisor's", SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAll), true, true, true, true, true);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Drops))]
    public void A_stale_translation_stays_until_a_command_means_it(string name, ulong low, ulong high, bool[] stays)
    {
        var (one, _) = _rig.Attach(1, asid: 1);
        var (two, _) = _rig.Attach(2, asid: 2);
        var (other, descriptor) = _rig.Attach(3, asid: 1);
        var entry = SmmuV3Rig.Stage1(descriptor);
        entry.Vmid = 9;
        _rig.Set(3, entry);
        var second = _rig.Take(8192);
        _rig.Set(4, SmmuV3Rig.Stage2(second));
        (uint Stream, ulong Root, ulong Iova, ulong Bits, int Start)[] warm =
        [
            (1, one, Low, SmmuV3Rig.Writable, 0), (1, one, High, SmmuV3Rig.Writable, 0), (2, two, Low, SmmuV3Rig.Writable, 0),
            (3, other, Low, SmmuV3Rig.Writable, 0), (4, second, Low, SmmuV3Rig.Stage2Writable, 1),
        ];
        foreach (var (stream, root, iova, bits, start) in warm)
        {
            _rig.Map(root, iova, 0x9000_0000, bits, startLevel: start);
            Assert.Equal(0x9000_0000ul, _rig.Reaches(stream, iova));
            _rig.Map(root, iova, 0x9000_1000, bits, startLevel: start);
            Assert.Equal(0x9000_0000ul, _rig.Reaches(stream, iova));
        }

        _rig.Do(new SmmuV3Command(low, high), SmmuV3Command.Synchronise());
        Assert.Equal(_rig.Read(SmmuV3Register.CommandQueueProducer), _rig.Read(SmmuV3Register.CommandQueueConsumer));
        Assert.Equal(stays, warm.Select(page => _rig.Reaches(page.Stream, page.Iova) == 0x9000_0000));
        Assert.NotEmpty(name);
    }

    [Fact]
    public void A_stale_configuration_stays_until_a_command_means_it()
    {
        SmmuV3Command[] drops =
        [
            SmmuV3Command.DropStream(5), SmmuV3Command.DropStreams(), new((5UL << 32) | (byte)SmmuV3Opcode.InvalidateStreams, 1),
            SmmuV3Command.DropContexts(5), SmmuV3Command.DropContext(5, 0),
        ];
        foreach (var drop in drops)
        {
            var (root, _) = _rig.Attach(5, asid: 1);
            _rig.Map(root, Low, 0x9000_0000, SmmuV3Rig.Writable);
            _rig.Do(SmmuV3Command.DropStreams(), SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll));
            Assert.Equal(0x9000_0000ul, _rig.Reaches(5, Low));
            _rig.Set(5, new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass });
            Assert.Equal(0x9000_0000ul, _rig.Reaches(5, Low));
            _rig.Do(SmmuV3Command.DropStream(4), SmmuV3Command.DropContext(5, 1), SmmuV3Command.DropContexts(13),
                new((8UL << 32) | (byte)SmmuV3Opcode.InvalidateStreams, 2));
            Assert.Equal(0x9000_0000ul, _rig.Reaches(5, Low));
            _rig.Do(drop);
            Assert.Equal(Low, _rig.Reaches(5, Low));
        }
    }

    [Fact]
    public void An_entry_that_became_valid_needs_no_command()
    {
        Assert.Equal(0ul, _rig.Reaches(5, Low));
        Assert.Equal(SmmuV3EventId.BadStreamEntry, _rig.Event().Id);
        _rig.Set(5, new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass });
        Assert.Equal(Low, _rig.Reaches(5, Low));
    }

    [Fact]
    public void An_illegal_command_stops_the_queue_until_it_is_acknowledged()
    {
        _rig.Do(SmmuV3Command.Synchronise(), new SmmuV3Command(0xFF, 0), SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll));
        Assert.Equal(1u | ((uint)SmmuV3CommandError.Illegal << 24), _rig.Read(SmmuV3Register.CommandQueueConsumer));
        Assert.Equal((uint)SmmuV3GlobalErrors.Command, _rig.Read(SmmuV3Register.GlobalError));
        Assert.True(_rig.Unit.Interrupts[1].IsAsserted);
        _rig.Do(SmmuV3Command.Synchronise());
        Assert.Equal(1u, _rig.Read(SmmuV3Register.CommandQueueConsumer) & 0xFFFF);

        // The bad one is made a harmless one.
        _rig.SetWord(_rig.CommandQueue + 16, SmmuV3Command.Synchronise().Low);
        _rig.Write(SmmuV3Register.GlobalErrorAck, (uint)SmmuV3GlobalErrors.Command);
        Assert.Equal(4u, _rig.Read(SmmuV3Register.CommandQueueConsumer) & 0xFFFF);
        Assert.False(_rig.Unit.Interrupts[1].IsAsserted);
        Assert.Equal(4ul, _rig.Unit.Commands);

        // And once more, with the bits the other way round.
        _rig.Do(new SmmuV3Command(0x7F, 0));
        Assert.Equal(0u, _rig.Read(SmmuV3Register.GlobalError));
        Assert.True(_rig.Unit.Interrupts[1].IsAsserted);
    }

    [Fact]
    public void A_command_queue_that_is_no_memory_is_an_abort()
    {
        using var rig = new SmmuV3Rig(isOn: false);
        rig.Write64(SmmuV3Register.CommandQueueBase, SmmuV3QueueBase.Of(0x4000_0000, 4).Value);
        rig.Write(SmmuV3Register.Cr0, (uint)SmmuV3Control.CommandQueue);
        rig.Write(SmmuV3Register.CommandQueueProducer, 1);
        Assert.Equal((uint)SmmuV3CommandError.Abort << 24, rig.Read(SmmuV3Register.CommandQueueConsumer));
        Assert.Equal((uint)SmmuV3GlobalErrors.Command, rig.Read(SmmuV3Register.GlobalError));
    }

    [Fact]
    public void A_sync_writes_its_word_and_the_queue_goes_round()
    {
        var flag = _rig.Take(64);
        for (uint round = 1; round < 100; round++)
        {
            _rig.Do(SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll), SmmuV3Command.SynchroniseBy(flag + 4, round));
            Assert.Equal(round, (uint)(_rig.Word(flag) >> 32));
            Assert.Equal(_rig.Read(SmmuV3Register.CommandQueueProducer), _rig.Read(SmmuV3Register.CommandQueueConsumer));
        }

        _rig.Do(SmmuV3Command.SynchroniseBy(0x4000_0000, 1)); // no memory
        Assert.Equal((uint)SmmuV3GlobalErrors.CommandMessage, _rig.Read(SmmuV3Register.GlobalError));
    }

    [Fact]
    public void Events_that_find_no_room_are_lost_and_said_to_be()
    {
        for (var i = 0; i < 20; i++)
            Assert.Equal(0ul, _rig.Reaches(9, (ulong)i << 12));
        Assert.True(_rig.Unit.Interrupts[0].IsAsserted);
        Assert.Equal((16ul, 4ul), _rig.Unit.Events);
        Assert.Equal(SmmuV3Ring.OverflowBit | 16, _rig.Read(SmmuV3Register.EventQueueProducer));
        Assert.Equal(16, _rig.Events().Length);
        Assert.False(_rig.Unit.Interrupts[0].IsAsserted);
        Assert.Equal(0ul, _rig.Reaches(9, 0));
        Assert.Equal(SmmuV3EventId.BadStreamEntry, _rig.Event().Id);
    }

    [Fact]
    public void The_event_of_a_stalled_access_waits_for_room()
    {
        _rig.Attach(5, change: descriptor => descriptor[0].Stalls = true);
        for (var i = 0; i < 16; i++)
            Assert.Equal(0ul, _rig.Reaches(9, 0)); // the queue is full
        Assert.Equal(TranslationStatus.Stalled, _rig.Ask(5, 0x7000).Status);
        Assert.Equal((16ul, 0ul), _rig.Unit.Events);
        Assert.DoesNotContain(_rig.Events(), told => told.IsStalled);
        Assert.True(_rig.Event().IsStalled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_handler_mends_a_fault_or_ends_the_access(bool retries)
    {
        var (root, _) = _rig.Attach(5, change: descriptor => descriptor[0].Stalls = true);
        var told = 0;
        _rig.Unit.Interrupts[0].Changed = isUp =>
        {
            foreach (var each in isUp ? _rig.Events() : [])
            {
                told++;
                _rig.Map(root, each.Address, 0x9000_4000, SmmuV3Rig.Writable);
                _rig.Do(SmmuV3Command.ResumeAccess(5, each.StallTag, retries), SmmuV3Command.Synchronise());
            }
        };
        for (ulong page = 0; page < 200; page++) // more than can be stalled at once
        {
            var result = _rig.Ask(5, 0x7000 + (page << 12));
            Assert.Equal(retries ? TranslationStatus.Ok : TranslationStatus.Aborted, result.Status);
        }

        Assert.Equal(200, told);
        Assert.Equal(0, _rig.Unit.Stalled);
    }

    [Fact]
    public void An_access_that_is_resumed_is_tried_again_or_aborted()
    {
        var (root, _) = _rig.Attach(5, change: descriptor => descriptor[0].Stalls = true);
        Assert.Equal(TranslationStatus.Stalled, _rig.Ask(5, 0x7000).Status);
        Assert.Equal(1, _rig.Unit.Stalled);
        var told = _rig.Event();
        Assert.Equal((SmmuV3EventId.Translation, true, 0x7000ul), (told.Id, told.IsStalled, told.Address));
        _rig.Do(SmmuV3Command.ResumeAccess(6, told.StallTag, true)); // somebody else's
        Assert.Equal(1, _rig.Unit.Stalled);
        _rig.Do(SmmuV3Command.ResumeAccess(5, told.StallTag, true));
        Assert.Equal(0, _rig.Unit.Stalled);
        _rig.Map(root, 0x7000, 0x9000_4000, SmmuV3Rig.Writable);
        Assert.Equal(0x9000_4000ul, _rig.Reaches(5, 0x7000));

        Assert.Equal(TranslationStatus.Stalled, _rig.Ask(5, 0x8000).Status);
        _rig.Do(new SmmuV3Command((5UL << 32) | (byte)SmmuV3Opcode.TerminateStalled, 0));
        Assert.Equal(0, _rig.Unit.Stalled);
    }
}
