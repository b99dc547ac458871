using System.Buffers.Binary;
using System.Text;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Nvme;

namespace Aperture.Hardware.Tests.Nvme;

/// <summary>The controller against the specification: registers, queues, admin commands, blocks, and how each mistake ends.</summary>
public sealed class NvmeControllerTests : IDisposable
{
    private readonly NvmeRig _rig = new();
    private readonly Random _random = new(5);

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void It_becomes_ready_is_reset_and_shut_down()
    {
        using var rig = new NvmeRig(new NvmeOptions { ReadyDelayPolls = 2 }, isOn: false);
        Assert.Equal(NvmeControllerStatus.None, rig.Status);
        Assert.Equal((1024, true, 16), (new NvmeCapabilities(rig.Read(0, 8)) is var capabilities ? capabilities.MostEntries : 0,
            capabilities.HasNvm, capabilities.LargestPageShift));
        Assert.Equal(NvmeRegister.Version14, (uint)rig.Read(NvmeRegister.Version));
        rig.Enable();
        Assert.Equal([NvmeControllerStatus.None, NvmeControllerStatus.None, NvmeControllerStatus.Ready],
            new[] { rig.Status, rig.Status, rig.Status });
        rig.Write(NvmeRegister.AdminQueueAttributes, 0);
        Assert.Equal(0x7_0007ul, rig.Read(NvmeRegister.AdminQueueAttributes)); // not while it is on
        rig.Write(NvmeRegister.Configuration, NvmeConfiguration.Enable(12).Value | NvmeConfiguration.ShutdownBit);
        Assert.Equal(NvmeControllerStatus.Ready | NvmeControllerStatus.ShutDown, rig.Status);
        rig.Write(NvmeRegister.Configuration, 0);
        Assert.Equal(NvmeControllerStatus.None, rig.Status);
    }

    [Theory]
    [InlineData(17, 7)] // pages of 128 KiB
    [InlineData(12, 0)] // a queue of one entry
    public void A_configuration_that_it_cannot_follow_is_fatal(int pageShift, uint entries)
    {
        using var rig = new NvmeRig(isOn: false);
        rig.Write(NvmeRegister.AdminQueueAttributes, entries * 0x1_0001);
        rig.Write(NvmeRegister.Configuration, NvmeConfiguration.Enable(pageShift).Value);
        Assert.Equal(NvmeControllerStatus.Fatal, rig.Status);
    }

    [Fact]
    public void Blocks_are_written_and_read_by_every_form_of_prps()
    {
        var content = new byte[64 << 9];
        _random.NextBytes(content);
        foreach (var (offset, count) in ((int, int)[])[(0, 1), (0, 8), (0x200, 8), (0, 16), (0x804, 16), (0, 64), (0xE00, 60)])
        {
            var bytes = count << 9;
            var list = NvmeRig.Data(100) + 0xFE8; // three entries, of which one leads on
            var next = NvmeRig.Data(101);
            var (at, prp2, entries) = (NvmeRig.Data(1) + (ulong)offset, NvmeRig.Data(2), (offset + bytes + 4095) / 4096 - 1);
            if (entries > 1)
            {
                prp2 = list;
                for (var i = 0; i < entries; i++)
                {
                    var place = i < 2 ? list + (ulong)(8 * i) : next + (ulong)(8 * (i - 2));
                    BinaryPrimitives.WriteUInt64LittleEndian(_rig.Bytes(place, 8), NvmeRig.Data(2 + i));
                }

                BinaryPrimitives.WriteUInt64LittleEndian(_rig.Bytes(list + 16, 8), entries == 3 ? NvmeRig.Data(4) : next);
            }

            content.AsSpan(0, bytes).CopyTo(_rig.Bytes(at, bytes));
            Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.Write, 7, count, at, prp2).Status);
            Assert.True(_rig.Disk.AsSpan(7 << 9, bytes).SequenceEqual(content.AsSpan(0, bytes)));
            _rig.Bytes(at, bytes).Clear();
            Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.Read, 7, count, at, prp2, queue: 2).Status);
            Assert.True(_rig.Bytes(at, bytes).SequenceEqual(content.AsSpan(0, bytes)));
            Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.Compare, 7, count, at, prp2).Status);
            _rig.Bytes(at + 5, 1)[0] ^= 1;
            Assert.Equal(NvmeStatus.CompareFailure, _rig.Blocks(NvmeOpcode.Compare, 7, count, at, prp2).Status);
        }
    }

    [Fact]
    public void Blocks_are_moved_by_sgls_with_holes_and_segments()
    {
        _random.NextBytes(_rig.Disk);
        var (first, second) = (NvmeRig.Data(100), NvmeRig.Data(101));
        Put(first, NvmeSglDescriptor.Of(NvmeSglDescriptor.DataBlock, NvmeRig.Data(1) + 3, 1000));
        Put(first + 16, NvmeSglDescriptor.Of(NvmeSglDescriptor.BitBucket, 0, 24));
        Put(first + 32, NvmeSglDescriptor.Of(NvmeSglDescriptor.LastSegment, second, 16));
        Put(second, NvmeSglDescriptor.Of(NvmeSglDescriptor.DataBlock, NvmeRig.Data(9), 4096));
        var command = NvmeRig.Command(NvmeOpcode.Read, 3, 4, first, 48ul | 2ul << 60);
        command.Transfer = 1;
        Assert.Equal(NvmeStatus.Success, _rig.Do(1, command).Status);
        Assert.True(_rig.Bytes(NvmeRig.Data(1) + 3, 1000).SequenceEqual(_rig.Disk.AsSpan(3 << 9, 1000)));
        Assert.True(_rig.Bytes(NvmeRig.Data(9), 1024).SequenceEqual(_rig.Disk.AsSpan((3 << 9) + 1024, 1024)));

        Put(second, NvmeSglDescriptor.Of(NvmeSglDescriptor.DataBlock, NvmeRig.Data(9), 1023));
        Assert.Equal(NvmeStatus.SglTooShort, _rig.Do(1, command).Status);
        Put(second, NvmeSglDescriptor.Of(NvmeSglDescriptor.LastSegment, second, 16));
        Assert.Equal(NvmeStatus.InvalidSglSegment, _rig.Do(1, command).Status);
        Put(first + 32, NvmeSglDescriptor.Of(NvmeSglDescriptor.Segment, first, 48)); // a circle
        command.Blocks = 256;
        command.FirstBlock = 0;
        Put(first, NvmeSglDescriptor.Of(NvmeSglDescriptor.DataBlock, NvmeRig.Data(1), 1));
        Assert.Equal(NvmeStatus.InvalidSglCount, _rig.Do(1, command).Status);
        Put(first, NvmeSglDescriptor.Of(5, NvmeRig.Data(1), 1));
        Assert.Equal(NvmeStatus.InvalidSglType, _rig.Do(1, command).Status);
        command.Transfer = 3;
        Assert.Equal(NvmeStatus.InvalidField, _rig.Do(1, command).Status);
    }

    [Fact]
    public void Each_mistake_ends_in_its_status_and_changes_nothing()
    {
        _random.NextBytes(_rig.Disk);
        var before = _rig.Disk.ToArray();
        var data = NvmeRig.Data(1);
        Assert.Equal(NvmeStatus.BlockOutOfRange, _rig.Blocks(NvmeOpcode.Write, 255, 2, data).Status);
        Assert.Equal(NvmeStatus.BlockOutOfRange, _rig.Blocks(NvmeOpcode.Write, ulong.MaxValue, 2, data).Status);
        Assert.Equal(NvmeStatus.InvalidNamespace, _rig.Blocks(NvmeOpcode.Write, 0, 1, data, name: 0).Status);
        Assert.Equal(NvmeStatus.InvalidNamespace, _rig.Blocks(NvmeOpcode.Write, 0, 1, data, name: 3).Status);
        Assert.Equal(NvmeStatus.InvalidOpcode, _rig.Blocks((NvmeOpcode)0x7F, 0, 1, data).Status);
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _rig.Blocks(NvmeOpcode.Write, 0, 1, data + 2).Status);
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _rig.Blocks(NvmeOpcode.Write, 0, 16, data, data + 0x800).Status);
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _rig.Blocks(NvmeOpcode.Write, 0, 17, data, data + 4).Status);
        Assert.Equal(NvmeStatus.DataTransferError, _rig.Blocks(NvmeOpcode.Write, 0, 1, 0x1000).Status); // no memory
        Assert.Equal(NvmeStatus.DataTransferError, _rig.Blocks(NvmeOpcode.Write, 0, 17, data, 0x1000).Status);
        Assert.Equal(NvmeStatus.DataTransferError, _rig.Blocks(NvmeOpcode.Read, 0, 1, 0x1000).Status);
        var fused = NvmeRig.Command(NvmeOpcode.Write, 0, 1, data);
        fused.Fused = 1;
        Assert.Equal(NvmeStatus.InvalidField, _rig.Do(1, fused).Status);
        Assert.Equal(before, _rig.Disk);
        Assert.Equal(NvmeControllerStatus.Ready, _rig.Status);

        using var small = new NvmeRig(new NvmeOptions { TransferPagesLog2 = 1 });
        Assert.Equal(NvmeStatus.Success, small.Blocks(NvmeOpcode.Read, 0, 16, data, NvmeRig.Data(2)).Status);
        Assert.Equal(NvmeStatus.InvalidField, small.Blocks(NvmeOpcode.Read, 0, 17, data, NvmeRig.Data(2)).Status);
    }

    [Fact]
    public void Zeros_are_written_and_blocks_given_up_without_data()
    {
        Array.Fill(_rig.Disk, (byte)7);
        Array.Fill(_rig.Large, (byte)7);
        Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.WriteZeroes, 3, 2, 0).Status);
        Assert.Equal(256 - 2, _rig.Disk.Count(value => value != 0) >> 9);
        Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.Flush, 0, 1, 0, name: 0xFFFF_FFFF).Status);
        var ranges = _rig.Bytes(NvmeRig.Data(1), 32);
        BinaryPrimitives.WriteUInt32LittleEndian(ranges[4..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(ranges[8..], 63);
        BinaryPrimitives.WriteUInt32LittleEndian(ranges[20..], 2);
        BinaryPrimitives.WriteUInt64LittleEndian(ranges[24..], 63);
        var command = new NvmeCommand
        {
            Opcode = (byte)NvmeOpcode.DatasetManagement,
            Namespace = 2,
            Prp1 = NvmeRig.Data(1),
            Word10 = 1,
            Word11 = 4,
        };
        Assert.Equal(NvmeStatus.BlockOutOfRange, _rig.Do(1, command).Status);
        Assert.DoesNotContain(_rig.Large, value => value == 0);
        command.Word10 = 0;
        Assert.Equal(NvmeStatus.Success, _rig.Do(1, command).Status);
        Assert.Equal(4096, _rig.Large.Count(value => value == 0));
    }

    [Fact]
    public void It_says_what_it_is()
    {
        var page = NvmeRig.Data(1);
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.Identify, page, 1).Status);
        var controller = _rig.Bytes(page, 4096).ToArray();
        Assert.Equal("Aperture NVMe", Encoding.ASCII.GetString(controller, 24, 40).TrimEnd());
        Assert.Equal((8, 2u, 0x66, 0x44), (controller[77], BinaryPrimitives.ReadUInt32LittleEndian(controller.AsSpan(516)),
            controller[512], controller[513]));
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.Identify, page, 0, name: 2).Status);
        Assert.Equal((64ul, 12), (BinaryPrimitives.ReadUInt64LittleEndian(_rig.Bytes(page, 8)), _rig.Bytes(page + 130, 1)[0]));
        Assert.Equal(NvmeStatus.InvalidNamespace, _rig.Admin(NvmeAdminOpcode.Identify, page, 0, name: 3).Status);
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.Identify, page, 2, name: 1).Status);
        Assert.Equal(2ul, BinaryPrimitives.ReadUInt64LittleEndian(_rig.Bytes(page, 8)));
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.Identify, page, 3, name: 1).Status);
        Assert.Equal(0x0801, BinaryPrimitives.ReadUInt16LittleEndian(_rig.Bytes(page, 2)));
        Assert.Equal(NvmeStatus.InvalidField, _rig.Admin(NvmeAdminOpcode.Identify, page, 0x55).Status);
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.GetLogPage, page, 2 | 127 << 16).Status);
        Assert.Equal(NvmeStatus.InvalidLogPage, _rig.Admin(NvmeAdminOpcode.GetLogPage, page, 0x99).Status);
        Assert.Equal(0xF_000Fu, _rig.Admin(NvmeAdminOpcode.GetFeatures, word10: 7).Result);
        Assert.Equal(NvmeStatus.SequenceError, _rig.Admin(NvmeAdminOpcode.SetFeatures, word10: 7, word11: 0x3_0003).Status);
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.SetFeatures, word10: 0xB, word11: 1).Status);
        Assert.Equal(1u, _rig.Admin(NvmeAdminOpcode.GetFeatures, word10: 0xB).Result);
        Assert.Equal(0u, _rig.Admin(NvmeAdminOpcode.GetFeatures, word10: 0x10B).Result);
        Assert.Equal(NvmeStatus.FeatureNotSaveable, _rig.Admin(NvmeAdminOpcode.SetFeatures, word10: 0x8000_000B).Status);
        Assert.Equal(NvmeStatus.InvalidField, _rig.Admin(NvmeAdminOpcode.SetFeatures, word10: 0x55).Status);
        Assert.Equal(NvmeStatus.InvalidOpcode, _rig.Admin((NvmeAdminOpcode)0x7F).Status);
    }

    [Theory]
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 1u | 3 << 16, 1u, 0, NvmeStatus.InvalidQueueId)]  // there
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 17u | 3 << 16, 1u, 0, NvmeStatus.InvalidQueueId)] // too many
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 3u, 1u, 0, NvmeStatus.InvalidQueueSize)]
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 3u | 1024 << 16, 1u, 0, NvmeStatus.InvalidQueueSize)]
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 3u | 3 << 16, 0u, 0, NvmeStatus.InvalidField)]
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 3u | 3 << 16, 1u, 8, NvmeStatus.InvalidField)]
    [InlineData(NvmeAdminOpcode.CreateCompletionQueue, 3u | 3 << 16, 1u | 17 << 16, 0, NvmeStatus.InvalidVector)]
    [InlineData(NvmeAdminOpcode.CreateSubmissionQueue, 3u | 3 << 16, 1u | 3 << 16, 0, NvmeStatus.InvalidCompletionQueue)]
    [InlineData(NvmeAdminOpcode.CreateSubmissionQueue, 1u | 3 << 16, 1u | 1 << 16, 0, NvmeStatus.InvalidQueueId)]
    [InlineData(NvmeAdminOpcode.CreateSubmissionQueue, 3u | 3 << 16, 0u | 1 << 16, 0, NvmeStatus.InvalidField)]
    [InlineData(NvmeAdminOpcode.DeleteCompletionQueue, 1u, 0u, 0, NvmeStatus.InvalidQueueDeletion)]
    [InlineData(NvmeAdminOpcode.DeleteCompletionQueue, 0u, 0u, 0, NvmeStatus.InvalidQueueId)]
    [InlineData(NvmeAdminOpcode.DeleteSubmissionQueue, 0u, 0u, 0, NvmeStatus.InvalidQueueId)]
    [InlineData(NvmeAdminOpcode.DeleteSubmissionQueue, 9u, 0u, 0, NvmeStatus.InvalidQueueId)]
    public void A_queue_that_cannot_be_is_refused(NvmeAdminOpcode opcode, uint word10, uint word11, int offset, NvmeStatus expected) =>
        Assert.Equal(expected, _rig.Admin(opcode, NvmeRig.Ram + 0x6000 + (ulong)offset, word10, word11).Status);

    [Fact]
    public void Queues_go_round_come_and_go()
    {
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 11; i++)
            {
                _rig.Disk[0] = (byte)(i + 1);
                Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.Read, 0, 1, NvmeRig.Data(1), queue: 1 + (i % 2)).Status);
                Assert.Equal((byte)(i + 1), _rig.Bytes(NvmeRig.Data(1), 1)[0]);
            }
        }

        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.DeleteSubmissionQueue, word10: 2).Status);
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.DeleteCompletionQueue, word10: 2).Status);
        Assert.Equal(NvmeStatus.InvalidQueueId, _rig.Admin(NvmeAdminOpcode.DeleteCompletionQueue, word10: 2).Status);
    }

    [Fact]
    public void Completions_wait_while_their_queue_is_full_and_the_pin_is_up_while_they_do()
    {
        Assert.False(_rig.Controller.Interrupt.IsAsserted);
        var messages = new List<int>();
        _rig.Controller.Message = messages.Add;
        for (var i = 0; i < 3; i++)
            _rig.Put(1, NvmeRig.Command(NvmeOpcode.Read, 0, 1, NvmeRig.Data(1)));
        _rig.RingTail(1);
        Assert.Equal([1], messages);
        Assert.True(_rig.Controller.Interrupt.IsAsserted);
        _rig.Write(NvmeRegister.MaskSet, 2);
        Assert.False(_rig.Controller.Interrupt.IsAsserted);
        _rig.Write(NvmeRegister.MaskClear, 2);
        for (var i = 0; i < 2; i++)
            _rig.Put(1, NvmeRig.Command(NvmeOpcode.Read, 0, 1, NvmeRig.Data(1)));
        _rig.RingTail(1);
        Assert.NotNull(_rig.Take(1));
        Assert.NotNull(_rig.Take(1));
        Assert.NotNull(_rig.Take(1));
        Assert.Null(_rig.Take(1)); // three of four places: full
        _rig.RingHead(1);
        Assert.NotNull(_rig.Take(1));
        Assert.NotNull(_rig.Take(1));
        Assert.Null(_rig.Take(1));
        _rig.RingHead(1);
        Assert.False(_rig.Controller.Interrupt.IsAsserted);
    }

    [Fact]
    public void A_wrong_doorbell_is_an_event_and_requests_for_events_can_be_aborted()
    {
        _rig.Write(NvmeRegister.SubmissionTail(1), 99);
        _rig.Write(NvmeRegister.CompletionHead(7), 0);
        _rig.Write(NvmeRegister.CompletionHead(1), 1); // nothing is there to take
        Assert.Equal(1u << 8 | 1 << 16, _rig.Admin(NvmeAdminOpcode.AsyncEventRequest).Result);
        Assert.Equal(0u << 8 | 1 << 16, _rig.Admin(NvmeAdminOpcode.AsyncEventRequest).Result);
        Assert.Equal(1u << 8 | 1 << 16, _rig.Admin(NvmeAdminOpcode.AsyncEventRequest).Result);
        var waiting = _rig.Put(0, new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.AsyncEventRequest });
        _rig.RingTail(0);
        Assert.Null(_rig.Take(0));
        _rig.Put(0, new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.Abort, Word10 = (uint)waiting << 16 });
        _rig.RingTail(0);
        var aborted = _rig.Take(0)!.Value;
        Assert.Equal((waiting, NvmeStatus.AbortRequested), (aborted.Id, aborted.Status));
        Assert.Equal(0u, _rig.Take(0)!.Value.Result);
        _rig.RingHead(0);
        var told = _rig.Put(0, new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.AsyncEventRequest });
        _rig.RingTail(0);
        _rig.Write(NvmeRegister.SubmissionTail(1), 99);
        Assert.Equal(told, _rig.Take(0)!.Value.Id);
    }

    [Fact]
    public void Events_wait_for_room_among_the_completions()
    {
        var ids = Enumerable.Range(0, 4).Select(_ => _rig.Put(0, new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.AsyncEventRequest }))
            .ToArray();
        _rig.RingTail(0);
        for (var i = 0; i < 6; i++)
            _rig.Put(0, new NvmeCommand { Opcode = (byte)NvmeAdminOpcode.GetFeatures, Word10 = 7 });
        _rig.RingTail(0);
        Assert.Equal(6, Enumerable.Range(0, 6).Count(_ => _rig.Take(0) is not null)); // one place of seven is left
        for (var i = 0; i < 3; i++)
            _rig.Write(NvmeRegister.SubmissionTail(1), 99);
        Assert.Equal(ids[0], _rig.Take(0)!.Value.Id);
        Assert.Null(_rig.Take(0));
        _rig.RingHead(0);
        Assert.Equal(ids[1..3], new[] { _rig.Take(0)!.Value.Id, _rig.Take(0)!.Value.Id });
        Assert.Null(_rig.Take(0));
    }

    [Fact]
    public void A_queue_that_is_no_memory_is_fatal_and_a_reset_helps()
    {
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.CreateCompletionQueue, 0x1000, 3u | 3 << 16, 3).Status);
        Assert.Equal(NvmeStatus.Success, _rig.Admin(NvmeAdminOpcode.CreateSubmissionQueue, 0x2000, 3u | 3 << 16, 1 | 3 << 16).Status);
        _rig.Write(NvmeRegister.SubmissionTail(3), 1);
        Assert.Equal(NvmeControllerStatus.Ready | NvmeControllerStatus.Fatal, _rig.Status);
        _rig.Write(NvmeRegister.Configuration, 0);
        Assert.Equal(NvmeControllerStatus.None, _rig.Status);
    }

    [Fact]
    public void Errors_on_purpose_end_the_command_without_doing_it()
    {
        _rig.Controller.Inject = (queue, command) => queue == 1 && command.FirstBlock == 5 ? NvmeStatus.UnrecoveredRead : null;
        Assert.Equal(NvmeStatus.UnrecoveredRead, _rig.Blocks(NvmeOpcode.Read, 5, 1, NvmeRig.Data(1)).Status);
        Assert.Equal(NvmeStatus.Success, _rig.Blocks(NvmeOpcode.Read, 6, 1, NvmeRig.Data(1)).Status);
    }

    private void Put(ulong address, NvmeSglDescriptor descriptor)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_rig.Bytes(address, 8), descriptor.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(_rig.Bytes(address + 8, 8), descriptor.High);
    }
}
