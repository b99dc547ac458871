using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Core.Threading;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Datasheets.Pci;
using Aperture.Drivers.SmmuV3;
using Aperture.Hardware.Ats;
using Aperture.Hardware.Pci;
using Aperture.Iommu;
using static Aperture.Boards.Tests.Ats.AtsScene;

namespace Aperture.Boards.Tests.Ats;

/// <summary>Devices that ask for pages: processes whose tables they share.</summary>
public sealed class PageRequestTests
{
    private static readonly Pasid s_process = new(7);

    /// <summary>A process: its tables, and the domain by which the device shares them.</summary>
    private static (PagingDomain<ArmLpaeFormat> Owner, SharedDomain Domain) NewProcess(AtsScene scene, uint pasid = 7)
    {
        var owner = scene.NewDomain(isAttached: false);
        var domain = scene.Share(owner);
        scene.Group.AttachPasid(new Pasid(pasid), domain);
        return (owner, domain);
    }

    private static Status MapPage(AtsScene scene, PagingDomain<ArmLpaeFormat> owner, Iova page)
    {
        var index = (int)((page - At) / Page) % DataPages;
        return owner.Map(page, scene.PageOf(index), Page, Protection.ReadWrite);
    }

    private static PciFunctionOptions With(uint pageRequests) =>
        new() { MsiVectors = 1, HasAts = true, PageRequests = pageRequests, PasidBits = 20 };

    [Fact]
    public void A_process_touches_its_pages_and_they_come()
    {
        using var scene = new AtsScene(new AtsEndpointOptions { PagesOfGroup = 4 });
        var (owner, domain) = NewProcess(scene);
        var groups = new List<int>();
        domain.PageRequestHandler = group =>
        {
            groups.Add(group.Requests.Length);
            foreach (var request in group.Requests)
            {
                if (MapPage(scene, owner, request.Address) != Status.Ok)
                    return FaultResponse.Unhandled;
            }

            return FaultResponse.Retry;
        };
        var bytes = new byte[6 * Page];
        new Random(3).NextBytes(bytes);
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Write(At + 100, bytes.AsSpan(0, scene.Client.BufferBytes), s_process));
        // 8 KiB from byte 100 on are in three pages.
        Assert.Equal([3], groups);
        Assert.Equal(bytes.AsSpan(0, scene.Client.BufferBytes), scene.Machine.Memory.Span(scene.Data + 100, scene.Client.BufferBytes));
        Assert.Equal((3UL, 1UL, 0UL), (scene.Client.PageRequests, scene.Client.Answers, scene.Client.UnexpectedAnswers));
        Assert.Equal(0, scene.Machine.Iommu.WaitingRequests);

        // The process lets go of them.
        Assert.Equal(3 * Page, owner.Unmap(At, 3 * Page));
        Assert.Equal(Status.Ok, domain.Invalidate(At, 3 * Page, 12, tablesChanged: true));
        Assert.Equal(0, scene.Endpoint.Translations.Count);
        domain.PageRequestHandler = _ => FaultResponse.Unhandled;
        Assert.Equal(AtsEndpointResult.Refused, scene.Client.Read(At, new byte[4], s_process));
        Assert.Equal(AtsEndpointResult.Refused, scene.Client.Read(At, new byte[4], new Pasid(8))); // nobody's
    }

    [Fact]
    public void Groups_are_answered_later_and_in_any_order_and_no_more_are_outstanding_than_may_be()
    {
        using var scene = new AtsScene(new AtsEndpointOptions { Channels = 8 }, function: With(3));
        var (owner, domain) = NewProcess(scene);
        var waiting = new List<PageRequestGroup>();
        domain.PageRequestHandler = group =>
        {
            waiting.Add(group);
            return FaultResponse.Deferred;
        };
        for (var channel = 0; channel < 8; channel++)
            scene.Client.Start(channel, AtsEndpointCommand.Read, At + ((ulong)channel * Page), 8, s_process);
        Assert.Equal(3, waiting.Count);
        var most = 0;
        while (waiting.Count > 0)
        {
            most = Math.Max(most, waiting.Count);
            var group = waiting[^1];
            waiting.RemoveAt(waiting.Count - 1);
            Assert.Equal(Status.Ok, MapPage(scene, owner, group.Requests[0].Address));
            Assert.Equal(Status.Ok, group.Respond(PageResponseCode.Success));
            Assert.Equal(Status.NotFound, group.Respond(PageResponseCode.Success));
        }

        Assert.Equal(3, most);
        Assert.All(Enumerable.Range(0, 8), channel => Assert.Equal(AtsEndpointResult.Done, scene.Client.ResultOf(channel)));
        Assert.Equal((8UL, 8UL, 0UL), (scene.Client.PageRequests, scene.Client.Answers, scene.Client.UnexpectedAnswers));
    }

    [Theory]
    [InlineData(PageResponseCode.Invalid, AtsEndpointResult.Refused)]
    [InlineData(PageResponseCode.Failure, AtsEndpointResult.Failed)]
    public void What_the_answer_is_the_device_hears(PageResponseCode code, AtsEndpointResult result)
    {
        using var scene = new AtsScene();
        var (owner, domain) = NewProcess(scene);
        PageRequestGroup? waiting = null;
        domain.PageRequestHandler = group =>
        {
            waiting = group;
            return FaultResponse.Deferred;
        };
        scene.Client.Start(0, AtsEndpointCommand.Read, At, 8, s_process);
        Assert.Equal(AtsEndpointResult.Busy, scene.Client.ResultOf(0));
        Assert.Equal(Status.Ok, waiting!.Respond(code));
        Assert.Equal(result, scene.Client.ResultOf(0));

        // After a failure the device asks no more until software takes note.
        var asked = scene.Client.PageRequests;
        domain.PageRequestHandler = group => MapPage(scene, owner, group.Requests[0].Address) == Status.Ok
            ? FaultResponse.Retry : FaultResponse.Unhandled;
        var isStopped = code == PageResponseCode.Failure;
        Assert.Equal(isStopped ? AtsEndpointResult.Failed : AtsEndpointResult.Done, scene.Client.Read(At, new byte[4], s_process));
        Assert.Equal(isStopped ? asked : asked + 1, scene.Client.PageRequests);
        var pri = scene.Pci.Configuration.Find(ExtendedCapabilityId.Pri);
        Assert.Equal(isStopped ? PriRegisters.ResponseFailure : 0,
            scene.Pci.Configuration.Read16(pri + PriRegisters.Status) & PriRegisters.ResponseFailure);
        scene.Pci.Configuration.Write16(pri + PriRegisters.Status, PriRegisters.ResponseFailure);
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Read(At + Page, new byte[4], s_process));
    }

    [Fact]
    public void A_page_that_never_comes_is_given_up()
    {
        using var scene = new AtsScene(new AtsEndpointOptions { Tries = 3 });
        var (_, domain) = NewProcess(scene);
        domain.PageRequestHandler = _ => FaultResponse.Retry; // and maps nothing
        Assert.Equal(AtsEndpointResult.Refused, scene.Client.Read(At, new byte[4], s_process));
        Assert.Equal((3UL, 3UL), (scene.Client.PageRequests, scene.Client.Answers));
    }

    /// <summary>More requests than the queue holds: the unit answers the last of a group that it lost by itself, the driver forgets the
    /// parts that it has, and the device asks again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_queue_that_overflows_loses_nothing(bool reusesGroups)
    {
        using var scene = new AtsScene(
            new AtsEndpointOptions { Channels = 4, PagesOfGroup = 6, Translations = 64, ReusesGroups = reusesGroups },
            new SmmuV3DriverOptions { PageRequestsLog2 = 2 },
            function: With(6));
        var (owner, domain) = NewProcess(scene);
        var groups = new List<int>();
        // Somebody gives it more than there is room for.
        scene.Pci.Configuration.Write32(scene.Pci.Configuration.Find(ExtendedCapabilityId.Pri) + PriRegisters.Allocation, 6);
        domain.PageRequestHandler = group =>
        {
            groups.Add(group.Requests.Length);
            foreach (var request in group.Requests)
                MapPage(scene, owner, request.Address);
            return FaultResponse.Retry;
        };
        using (EventGate.Close(ThreadRecord.Current)) // no interrupt happens: the queue of four fills
        {
            for (var channel = 0; channel < 2; channel++)
            {
                var at = At + ((ulong)channel * 8 * Page);
                scene.Client.Start(channel, AtsEndpointCommand.Prefetch, at, 3 * (int)Page, s_process);
                Assert.Equal(AtsEndpointResult.Busy, scene.Client.ResultOf(channel));
            }

            Assert.Equal(2UL, scene.Model.LostPageRequests);
        }

        Assert.All([0, 1], channel => Assert.Equal(AtsEndpointResult.Done, scene.Client.Wait(channel)));
        Assert.Equal([3, 3], groups); // none of a part of a group
        Assert.Equal((9UL, 3UL, 0UL), (scene.Client.PageRequests, scene.Client.Answers, scene.Client.UnexpectedAnswers));
        Assert.Equal((1UL, 0), (scene.Unit.PageRequestOverflows, scene.Machine.Iommu.WaitingRequests));
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Read(At + (2 * Page), new byte[4], s_process));
    }

    [Fact]
    public void A_process_that_ends_takes_its_faults_along()
    {
        using var scene = new AtsScene();
        var (_, domain) = NewProcess(scene);
        var waiting = new List<PageRequestGroup>();
        domain.PageRequestHandler = group =>
        {
            waiting.Add(group);
            return FaultResponse.Deferred;
        };
        for (var channel = 0; channel < 4; channel++)
            scene.Client.Start(channel, AtsEndpointCommand.Read, At + ((ulong)channel * Page), 8, s_process);
        Assert.Equal((4, 4), (waiting.Count, scene.Machine.Iommu.WaitingRequests));
        scene.Group.DetachPasid(s_process);
        Assert.Equal(0, scene.Machine.Iommu.WaitingRequests);
        Assert.All(Enumerable.Range(0, 4), channel => Assert.Equal(AtsEndpointResult.Refused, scene.Client.ResultOf(channel)));
        Assert.All(waiting, group => Assert.Equal(Status.NotFound, group.Respond(PageResponseCode.Success)));
        scene.Client.Start(0, AtsEndpointCommand.Stop, default, 0, s_process);
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Wait(0));
        Assert.Equal((4UL, 4UL, 0UL), (scene.Client.PageRequests, scene.Client.Answers, scene.Client.UnexpectedAnswers));
    }

    [Fact]
    public void Answers_that_come_after_a_reset_belong_to_nothing()
    {
        using var scene = new AtsScene();
        var (owner, domain) = NewProcess(scene);
        PageRequestGroup? waiting = null;
        domain.PageRequestHandler = group =>
        {
            waiting = group;
            return FaultResponse.Deferred;
        };
        scene.Client.Start(0, AtsEndpointCommand.Read, At, 8, s_process);
        scene.Pci.Reset();
        Assert.Equal(AtsEndpointResult.None, scene.Client.ResultOf(0));
        Assert.Equal(Status.Ok, waiting!.Respond(PageResponseCode.Success));
        Assert.Equal(1UL, scene.Client.UnexpectedAnswers);
        var pri = scene.Pci.Configuration.Find(ExtendedCapabilityId.Pri);
        Assert.NotEqual(0, scene.Pci.Configuration.Read16(pri + PriRegisters.Status) & PriRegisters.UnexpectedIndex);
        domain.PageRequestHandler = group => MapPage(scene, owner, group.Requests[0].Address) == Status.Ok
            ? FaultResponse.Retry : FaultResponse.Unhandled;
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Read(At, new byte[4], s_process));
    }

    /// <summary>A unit that is programmed afresh ends accesses that were stalled; what a device asked for it waits for all the
    /// same.</summary>
    [Fact]
    public void A_unit_that_is_programmed_afresh_does_not_forget_who_waits_for_a_page()
    {
        using var scene = new AtsScene();
        var (owner, domain) = NewProcess(scene);
        PageRequestGroup? waiting = null;
        domain.PageRequestHandler = group =>
        {
            waiting = group;
            return FaultResponse.Deferred;
        };
        scene.Client.Start(0, AtsEndpointCommand.Read, At, 8, s_process);
        scene.Unit.RuntimeSuspend();
        scene.Unit.RuntimeResume();
        Assert.Equal(Status.Ok, MapPage(scene, owner, At));
        Assert.Equal(Status.Ok, waiting!.Respond(PageResponseCode.Success));
        Assert.Equal(AtsEndpointResult.Done, scene.Client.ResultOf(0));
        Assert.Equal(0UL, scene.Client.UnexpectedAnswers);
    }

    /// <summary>A million page faults with <c>APERTURE_LONG=1</c>: of several processes on all channels, answered at once or later in any
    /// order, while processes take pages away. None is lost: every job ends. None is answered twice: the device waited for each.</summary>
    [Fact]
    public void Faults_are_neither_lost_nor_answered_twice()
    {
        var least = Environment.GetEnvironmentVariable("APERTURE_LONG") == "1" ? 1_000_000UL : 4_000UL;
        const int Channels = 8;
        const int Processes = 4;
        const int Pages = 32;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var scene = new AtsScene(
            new AtsEndpointOptions { Channels = Channels, PagesOfGroup = 3, Translations = 16 }, function: With(10));
        var waiting = new List<PageRequestGroup>();
        var processes = new (PagingDomain<ArmLpaeFormat> Owner, SharedDomain Domain)[Processes];
        var taken = 0UL;
        for (uint i = 0; i < Processes; i++)
        {
            var process = processes[i] = NewProcess(scene, i + 1);
            process.Domain.PageRequestHandler = group =>
            {
                taken += (ulong)group.Requests.Length;
                if (random.Next(3) == 0)
                {
                    waiting.Add(group);
                    return FaultResponse.Deferred;
                }

                Mend(group);
                return FaultResponse.Retry;
            };
        }

        var ended = 0;
        while (scene.Client.PageRequests < least)
        {
            for (var channel = 0; channel < Channels; channel++)
            {
                var result = scene.Client.ResultOf(channel);
                if (result == AtsEndpointResult.Busy)
                    continue;
                Assert.True(result is AtsEndpointResult.None or AtsEndpointResult.Done, $"seed {seed}: a job ended as {result}");
                ended++;
                var command = (AtsEndpointCommand)random.Next(1, 4);
                scene.Client.Start(channel, command, At + ((ulong)random.Next(Pages - 2) * Page), random.Next(1, 2 * (int)Page),
                    new Pasid((uint)random.Next(1, Processes + 1)));
            }

            while (waiting.Count > 0 && (random.Next(4) != 0 || waiting.Count > 4))
                Answer();
            var (owner, domain) = processes[random.Next(Processes)];
            var (first, count) = (random.Next(Pages), random.Next(1, 8));
            for (var page = first; page < Math.Min(first + count, Pages); page++)
                owner.Unmap(At + ((ulong)page * Page), Page);
            var size = (ulong)Math.Min(count, Pages - first) * Page;
            Assert.Equal(Status.Ok, domain.Invalidate(At + ((ulong)first * Page), size, 12, tablesChanged: true));
        }

        while (waiting.Count > 0)
            Answer();
        Assert.All(Enumerable.Range(0, Channels), channel =>
            Assert.True(scene.Client.ResultOf(channel) == AtsEndpointResult.Done, $"seed {seed}: channel {channel} has a job left"));
        Assert.True(ended > Channels, $"seed {seed}: only {ended} jobs ended");
        Assert.True(taken == scene.Client.PageRequests, $"seed {seed}: {taken} of {scene.Client.PageRequests} requests came");
        Assert.True(scene.Client.UnexpectedAnswers == 0, $"seed {seed}: {scene.Client.UnexpectedAnswers} answers too many");
        Assert.True(scene.Machine.Iommu.WaitingRequests == 0, $"seed {seed}: requests wait that nobody has");

        void Answer()
        {
            var group = waiting[random.Next(waiting.Count)];
            waiting.Remove(group);
            Mend(group);
            Assert.True(group.Respond(PageResponseCode.Success) == Status.Ok, $"seed {seed}: an answer got nowhere");
        }

        void Mend(PageRequestGroup group)
        {
            var owner = processes[group.Pasid!.Value.Value - 1].Owner;
            foreach (var request in group.Requests)
                MapPage(scene, owner, request.Address); // another request may have had it mapped already
        }
    }
}
