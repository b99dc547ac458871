using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Datasheets.SmmuV3;
using Aperture.Drivers.SmmuV3;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Ats;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using static Aperture.Drivers.Tests.SmmuV3.SmmuV3Scene;

namespace Aperture.Drivers.Tests.SmmuV3;

public sealed class SmmuV3UnitTests
{
    [Fact]
    public void A_unit_says_what_its_registers_say()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var all = scene.Driver.Capabilities;
        Assert.Equal((1UL << 12) | (1UL << 21) | (1UL << 30), all.PageSizes);
        Assert.Equal((new Iova((1UL << 48) - 1), 48, 1 << 16), (all.ApertureEnd, all.OutputBits, all.Pasids));
        Assert.True(all is { DirtyTracking: true, CanBlock: true, CanBypass: true, CanStall: false, SharedTables: true });
        Assert.Equal(TranslationStages.First | TranslationStages.Second, all.Stages);

        using var coarse = new SmmuV3Scene(
            SmmuV3Options.Mmu600 with { Granules = SmmuV3AddressSizes.Granule64K, OutputBits = 52, AlwaysStalls = true });
        var other = coarse.Driver.Capabilities;
        Assert.Equal((1UL << 16) | (1UL << 29) | (1UL << 42), other.PageSizes);
        Assert.Equal((new Iova((1UL << 52) - 1), 52), (other.ApertureEnd, other.OutputBits));
        Assert.True(other is { DirtyTracking: false, CanStall: true });
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() =>
        {
            using var none = new SmmuV3Scene(
                SmmuV3Options.Mmu600 with { Granules = SmmuV3AddressSizes.Granule4K }, new SmmuV3DriverOptions { GranuleShift = 16 });
        }).Status);
    }

    [Theory]
    [InlineData(12, TranslationStages.First)]
    [InlineData(14, TranslationStages.First)]
    [InlineData(16, TranslationStages.First)]
    [InlineData(12, TranslationStages.Second)]
    [InlineData(14, TranslationStages.Second)]
    [InlineData(16, TranslationStages.Second)]
    public void Every_granule_and_stage_translates(int granule, TranslationStages stage)
    {
        foreach (var bits in (int[])[32, 36, 40, 42, 44, 48, 52])
        {
            using var scene = new SmmuV3Scene(
                SmmuV3Options.Mmu700 with { OutputBits = bits }, new SmmuV3DriverOptions { GranuleShift = granule });
            var (device, port) = scene.AddMaster();
            scene.Mark(0, 1);
            var page = 1UL << granule;
            var domain = scene.Driver.CreateDomain(new DomainRequest(DomainType.Unmanaged) { Stage = stage });
            device.Iommu!.Group.Attach(domain);
            Iova[] places = [At, new Iova(domain.ApertureEnd.Value & ~(page - 1)), default];
            foreach (var at in places)
                Assert.Equal(Status.Ok, domain.Map(at, scene.Data, page, Protection.ReadWrite));
            foreach (var at in places)
            {
                Assert.Equal((byte)1, Read(port, at));
                domain.Unmap(at, page);
                Assert.Null(Read(port, at));
                Assert.Equal(stage, scene.Board.Core.Faults[^1].Stage);
            }
        }
    }

    [Fact]
    public void A_master_goes_from_stage_to_stage_and_back()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        scene.Mark(0, 1);
        scene.Mark(Page, 2);
        IommuDomain[] domains = [scene.NewDomain(0, TranslationStages.First), scene.NewDomain(Page, TranslationStages.Second)];
        var group = device.Iommu!.Group;
        group.Attach(domains[0]);
        byte? before = 1;
        byte? after = 1;
        var accesses = 0;
        scene.Unit.Registers.Before = () =>
        {
            accesses++;
            Assert.True(Read(port, At) is { } value && (value == before || value == after));
        };
        for (var round = 1; round < 6; round++)
        {
            after = (byte)((round % 2) + 1);
            group.Replace(domains[round % 2]);
            before = after;
        }

        scene.Unit.Registers.Before = null;
        Assert.NotEqual(0, accesses);
        Assert.Equal((byte)2, Read(port, At));
        Assert.Equal(0UL, scene.Board.Core.FaultCount);
    }

    [Fact]
    public void A_unit_that_firmware_left_on_is_taken_over()
    {
        using var board = new SmmuV3Board(SmmuV3Options.Mmu700) { Prepare = LeaveOn };
        var unit = board.AddUnit();
        Assert.True(((SmmuV3Unit)unit.Unit).WasOn);
        var port = new DmaPort(board.Bus, unit.Model, new StreamId(3));
        Assert.Null(Read(port, new Iova(board.Data.Value)));
        unit.On();
        Assert.Null(Read(port, new Iova(board.Data.Value))); // what firmware let through, and what the unit kept of it, is gone
        var master = board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, domain.Map(At, board.Data, Page, Protection.ReadWrite));
        master.Group.Attach(domain);
        master.Reaches(At, board.Data);
        Assert.Empty(board.Core.Failures);

        // Stream 3 passes, by a table at the start of the data, an access is in the caches, and a global error is pending.
        static void LeaveOn(UnitBoard board, Hardware.SmmuV3.SmmuV3 model)
        {
            var entry = new SmmuV3StreamEntry { IsValid = true, Config = SmmuV3StreamConfig.Bypass };
            BitConverter.TryWriteBytes(board.Memory.Span(board.Data + (3 * SmmuV3Words.Bytes), 8), entry.Words[0]);
            model.TryWrite(SmmuV3Register.StreamTableBase, 8, board.Data.Value);
            model.TryWrite(SmmuV3Register.StreamTableConfig, 4, SmmuV3StreamTableConfig.Linear(4).Value);
            model.TryWrite(SmmuV3Register.CommandQueueBase, 8, SmmuV3QueueBase.Of(0, 4).Value); // nothing is there: CERROR_ABT
            model.TryWrite(SmmuV3Register.Cr0, 4, (ulong)(SmmuV3Control.Translates | SmmuV3Control.CommandQueue));
            model.TryWrite(SmmuV3Register.CommandQueueProducer, 4, 1);
            Assert.NotNull(Read(new DmaPort(board.Bus, model, new StreamId(3)), new Iova(board.Data.Value)));
        }
    }

    [Fact]
    public void Events_that_were_lost_are_counted_and_later_ones_come()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700, new SmmuV3DriverOptions { EventsLog2 = 1 });
        var (device, port) = scene.AddMaster();
        var domain = scene.NewDomain(0);
        device.Iommu!.Group.Attach(domain);
        var accesses = 0;
        scene.Unit.Registers.Before = () =>
        {
            scene.Unit.Registers.Before = null;
            for (; accesses < 5; accesses++)
                Assert.Null(Read(port, At + Page + (ulong)accesses)); // nobody can be told in the middle of a sequence
        };
        domain.Unmap(At, Page);
        Assert.Equal(5, accesses);
        Assert.Equal((2UL, 3UL), scene.Model.Events);
        Assert.Equal((2UL, 1UL), (scene.Board.Core.FaultCount, scene.Driver.EventOverflows));
        Assert.All(scene.Unit.Device.Interrupts, interrupt => Assert.False(interrupt.IsActive));
        Assert.Null(Read(port, At));
        Assert.Equal(3UL, scene.Board.Core.FaultCount);
        Assert.Equal(1UL, scene.Driver.EventOverflows);
    }

    [Fact]
    public void An_event_of_a_stream_that_nobody_has_is_told()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var events = new List<SmmuV3EventId>();
        scene.Driver.EventFound += record => events.Add(record.Id);
        scene.AddMaster();
        Assert.Null(Read(new DmaPort(scene.Board.Bus, scene.Model, new StreamId(41)), At));
        Assert.Null(Read(new DmaPort(scene.Board.Bus, scene.Model, new StreamId(0x700)), At));
        Assert.Equal([SmmuV3EventId.BadStreamEntry, SmmuV3EventId.BadStream], events);
        Assert.Equal(2UL, scene.Board.Core.FaultCount);
        Assert.Null(scene.Board.Core.Faults[^1].Device);
    }

    [Theory]
    [InlineData(false, TranslationStages.First)]
    [InlineData(true, TranslationStages.First)]
    [InlineData(false, TranslationStages.Second)]
    [InlineData(true, TranslationStages.Second)]
    public void A_master_that_stalls_goes_on_when_its_fault_was_mended(bool always, TranslationStages stage)
    {
        using var scene = new SmmuV3Scene(
            SmmuV3Options.Mmu700 with { AlwaysStalls = always }, new SmmuV3DriverOptions { Stalls = _ => !always });
        var (device, port) = scene.AddMaster();
        scene.Mark(0, 1);
        scene.Mark(Page, 2);
        var domain = scene.NewDomain(0, stage);
        device.Iommu!.Group.Attach(domain);
        var faults = 0;
        domain.FaultHandler = (in FaultReport report) =>
        {
            faults++;
            Assert.Equal((device, stage), (report.Device, report.Stage));
            return report.Address == At + Page && domain.Map(At + Page, scene.Data + Page, Page, Protection.ReadWrite) == Status.Ok
                ? FaultResponse.Retry : FaultResponse.Unhandled;
        };
        Assert.Equal((byte)2, Read(port, At + Page));
        Assert.Null(Read(port, At + (2 * Page)));
        Assert.Equal((2, 0), (faults, scene.Model.Stalled));
        Assert.Equal((byte)1, Read(port, At));
    }

    [Fact]
    public void A_stalled_access_is_a_page_request_where_somebody_answers_those()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700, new SmmuV3DriverOptions { Stalls = _ => true });
        var (device, port) = scene.AddMaster(8);
        scene.Mark(0, 1);
        var domain = scene.Driver.CreateDomain(DomainType.Unmanaged);
        device.Iommu!.Group.AttachPasid(new Pasid(4), domain);
        var asked = 0;
        domain.PageRequestHandler = group =>
        {
            asked++;
            var request = group.Requests[0];
            Assert.Equal((device, new Pasid(4), Protection.Read), (request.Device, request.Pasid!.Value, request.Access));
            return request.Address == At && domain.Map(At, scene.Data, Page, Protection.ReadWrite) == Status.Ok
                ? FaultResponse.Retry : FaultResponse.Unhandled;
        };
        Assert.Equal((byte)1, Read(port, At, 4));
        Assert.Null(Read(port, At + Page, 4));
        Assert.Equal((2, 0, 0), (asked, scene.Model.Stalled, scene.Board.Core.WaitingRequests));
    }

    [Fact]
    public void What_is_written_is_told_where_the_unit_marks_it()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        var domain = scene.Driver.CreateDomain(new DomainRequest(DomainType.Unmanaged) { TracksDirty = true });
        Assert.Equal(Status.Ok, domain.Map(At, scene.Data, 4 * Page, Protection.ReadWrite));
        device.Iommu!.Group.Attach(domain);
        Assert.Equal(DmaStatus.Ok, port.Write(At, [1], out _)); // before account is kept
        Assert.Equal(Status.Ok, domain.SetDirtyTracking(true));
        Assert.Equal([], Written());
        Assert.Equal(DmaStatus.Ok, port.Write(At + Page, [1], out _));
        Assert.NotNull(Read(port, At + (2 * Page)));
        Assert.Equal(DmaStatus.Ok, port.Write(At + (3 * Page), [1], out _));
        Assert.Equal([1, 3], Written());
        Assert.Equal([], Written());
        Assert.Equal(DmaStatus.Ok, port.Write(At + (3 * Page), [1], out _));
        Assert.Equal([3], Written());

        int[] Written()
        {
            var bits = new byte[1];
            var gather = default(InvalidationGather);
            Assert.Equal(Status.Ok, domain.ReadAndClearDirty(At, 4 * Page, new DirtyBitmap(bits, At, Page), ref gather));
            Assert.Equal(Status.Ok, domain.Commit(ref gather));
            return [.. Enumerable.Range(0, 4).Where(page => (bits[0] >> page & 1) != 0)];
        }
    }

    [Fact]
    public void A_device_drops_its_own_translations_after_the_unit_did()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var told = new List<SmmuV3Command>();
        scene.Model.ToDevices = told.Add;
        var (device, _) = scene.AddMaster(8, hasAts: true);
        var (other, _) = scene.AddMaster(8);
        var domain = scene.NewDomain(0, size: 4 * Page);
        device.Iommu!.Group.Attach(domain);
        other.Iommu!.Group.Attach(domain);
        var process = scene.NewDomain(0);
        device.Iommu.Group.AttachPasid(new Pasid(6), process);
        told.Clear();
        domain.Unmap(At + Page, 2 * Page); // the smallest aligned power of two around both is four pages
        Assert.Equal([SmmuV3Command.DropAtc(40, null, At.Value, 2)], told);
        told.Clear();
        process.Unmap(At, Page);
        Assert.Equal([SmmuV3Command.DropAtc(40, 6, At.Value, 0)], told);
        told.Clear();
        device.Iommu.Group.DetachPasid(new Pasid(6));
        Assert.Equal([SmmuV3Command.DropAtc(40, null, 0, SmmuV3Command.AtcAll)], told);
    }

    [Fact]
    public void Page_requests_of_a_device_are_answered_by_their_group()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var told = new List<SmmuV3Command>();
        var (device, _) = scene.AddMaster(8, hasAts: true);
        var domain = scene.Driver.CreateDomain(DomainType.Unmanaged);
        device.Iommu!.Group.AttachPasid(new Pasid(4), domain);
        PageRequestGroup? waiting = null;
        domain.PageRequestHandler = group =>
        {
            waiting = group;
            return FaultResponse.Deferred;
        };
        scene.Model.ToDevices = told.Add;
        Assert.Equal(PageRequestFate.Queued, scene.Model.TryRequestPage(
            SmmuV3PageRequest.Of(40, 4, At.Value, 17, true, false, isLast: false)));
        Assert.Equal(PageRequestFate.Queued, scene.Model.TryRequestPage(
            SmmuV3PageRequest.Of(40, 4, At.Value + Page, 17, true, true, isLast: true)));
        Assert.Equal(2, waiting!.Requests.Length);
        Assert.Empty(told);
        Assert.Equal(Status.Ok, waiting.Respond(PageResponseCode.Success));
        Assert.Equal(Status.NotFound, waiting.Respond(PageResponseCode.Failure));
        Assert.Equal([SmmuV3Command.Respond(40, 4, 17, 2)], told);

        // Nobody's: denied at once.
        told.Clear();
        Assert.Equal(PageRequestFate.Queued, scene.Model.TryRequestPage(
            SmmuV3PageRequest.Of(99, null, At.Value, 3, true, false, isLast: true)));
        Assert.Equal([SmmuV3Command.Respond(99, null, 3, 0)], told);
    }

    /// <summary>The answer is what brings a unit up afresh that has failed, or it waits for one that is suspended: the device gets it all
    /// the same.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_page_request_is_answered_by_a_unit_that_failed_or_was_suspended_meanwhile(bool isSuspended)
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, _) = scene.AddMaster(8, hasAts: true);
        var domain = scene.Driver.CreateDomain(DomainType.Unmanaged);
        device.Iommu!.Group.AttachPasid(new Pasid(4), domain);
        PageRequestGroup? waiting = null;
        domain.PageRequestHandler = group =>
        {
            waiting = group;
            return FaultResponse.Deferred;
        };
        Assert.Equal(PageRequestFate.Queued, scene.Model.TryRequestPage(
            SmmuV3PageRequest.Of(40, 4, At.Value, 17, true, false, isLast: true)));
        var told = new List<SmmuV3Command>();
        scene.Model.ToDevices = told.Add;
        if (isSuspended)
            scene.Driver.RuntimeSuspend();
        else
            scene.Driver.MarkForReprogram();
        Assert.Equal(Status.Ok, waiting!.Respond(PageResponseCode.Success));
        if (isSuspended)
            scene.Driver.RuntimeResume();
        Assert.False(scene.Driver.NeedsReprogram);
        Assert.Single(told, SmmuV3Command.Respond(40, 4, 17, 2));
        scene.Driver.RuntimeSuspend();
        scene.Driver.RuntimeResume();
        Assert.Single(told, SmmuV3Command.Respond(40, 4, 17, 2)); // and once
    }

    [Fact]
    public void A_doorbell_that_outlives_its_domain_takes_nothing_from_the_next_one()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, _) = scene.AddMaster();
        var group = device.Iommu!.Group;
        var doorbell = new PhysicalAddress(0x3000_0040);
        var first = scene.Driver.CreateDomain(DomainType.Unmanaged);
        group.Attach(first);
        var left = group.MapDoorbell(doorbell);
        group.Detach(first);
        first.Dispose();
        var next = scene.Driver.CreateDomain(DomainType.Unmanaged); // its tables lie where the first one's did
        group.Attach(next);
        using var own = group.MapDoorbell(doorbell);
        left.Dispose();
        Assert.True(next.TryTranslate(own.Address, out var leadsTo));
        Assert.Equal(doorbell, leadsTo);
    }

    /// <summary>A unit is programmed afresh before the interrupt tells of a request: the device hears of it, and asks again.</summary>
    [Fact]
    public void A_page_request_in_a_queue_that_is_made_empty_is_answered()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, _) = scene.AddMaster(8, hasAts: true);
        var domain = scene.Driver.CreateDomain(DomainType.Unmanaged);
        device.Iommu!.Group.AttachPasid(new Pasid(4), domain);
        var told = new List<SmmuV3Command>();
        scene.Model.ToDevices = told.Add;
        using (EventGate.Close(ThreadRecord.Current))
        {
            foreach (var (group, isLast) in new (uint, bool)[] { (17, false), (17, true), (18, false) })
            {
                Assert.Equal(PageRequestFate.Queued, scene.Model.TryRequestPage(
                    SmmuV3PageRequest.Of(40, 4, At.Value, group, true, false, isLast)));
            }

            scene.Driver.MarkForReprogram();
            Assert.Equal(Status.Ok, scene.Driver.TryReprogram());
        }

        Assert.Equal([SmmuV3Command.Respond(40, 4, 17, 2)], told.Where(command => command.Opcode == SmmuV3Opcode.PageResponse));
        scene.Unit.Cycle(); // and nothing of what a queue held before the power went
        Assert.Single(told, command => command.Opcode == SmmuV3Opcode.PageResponse);
    }

    [Fact]
    public void A_stream_that_the_unit_does_not_have_is_out_of_range()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700 with { StreamBits = 12 });
        Assert.Equal(Status.Ok, scene.Driver.Translate([0xFFF], out var stream));
        Assert.Equal(0xFFFu, stream.Value);
        Assert.Equal(Status.OutOfRange, scene.Driver.Translate([0x1000], out _));
        Assert.Equal(Status.InvalidArgument, scene.Driver.Translate([], out _));
    }

    [Fact]
    public void A_driver_that_lets_go_gives_all_memory_back()
    {
        using var board = new SmmuV3Board(SmmuV3Options.Mmu700);
        var before = board.Tables.BytesInUse;
        var unit = board.AddUnit();
        unit.On();
        var master = board.AddMaster(unit);
        board.Core.Release(master.Device);
        unit.Off();
        unit.Device.Bound!.Remove();
        unit.Device.ReleaseManaged();
        Assert.Equal(before, board.Tables.BytesInUse);
    }
}
