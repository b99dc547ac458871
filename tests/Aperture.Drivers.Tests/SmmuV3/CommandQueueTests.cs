using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;
using Aperture.Drivers.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Iommu;
using static Aperture.Drivers.Tests.SmmuV3.SmmuV3Scene;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>The command queue: batches, a full one, one that stands still, and commands that the unit refuses.</summary>
public sealed class CommandQueueTests
{
    private const int Pages = 64;

    [Fact]
    public void One_commit_is_one_sync_whatever_the_number_of_pages()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu600);
        var domain = Attached(scene);
        Scatter(domain, scene, 8);
        var (commands, syncs) = (scene.Model.Commands, scene.Driver.Syncs);
        Unscatter(domain, 8);
        Assert.Equal((9UL, 1UL), (scene.Model.Commands - commands, scene.Driver.Syncs - syncs));
    }

    [Theory]
    [InlineData(true, 1, 1)]
    [InlineData(true, 31, 1)]
    [InlineData(true, 33, 2)]
    [InlineData(true, 4096, 1)]
    [InlineData(false, 3, 3)]
    [InlineData(false, 64, 64)]
    [InlineData(false, 65, 1)] // the whole address space
    public void Ranges_are_named_where_that_takes_fewer_commands(bool hasRanges, int pages, int commands)
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700 with { HasRanges = hasRanges });
        var domain = Attached(scene);
        var at = At + 0x1000; // so that no page is large
        Assert.Equal(Status.Ok, domain.Map(at, scene.Data, (ulong)pages * Page, Protection.ReadWrite));
        var before = scene.Model.Commands;
        domain.Unmap(at, (ulong)pages * Page);
        Assert.Equal((ulong)commands + 1, scene.Model.Commands - before);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_full_queue_goes_in_pieces(bool usesMessages)
    {
        using var scene = new SmmuV3Scene(
            SmmuV3Options.Mmu600, new SmmuV3DriverOptions { CommandsLog2 = 2, UsesMessages = usesMessages });
        var domain = Attached(scene);
        for (var round = 0; round < 20; round++)
        {
            Scatter(domain, scene, 8);
            Unscatter(domain, 8);
        }

        Assert.Equal(Status.Ok, domain.Map(At, scene.Data, Pages * Page, Protection.ReadWrite));
        var full = scene.Driver.FullQueues;
        domain.Unmap(At, Pages * Page);
        Assert.True(scene.Driver.FullQueues - full >= (Pages / 4) - 1);
        Assert.Empty(scene.Board.Core.Failures);
    }

    /// <summary>What a refused command was to do is not known to be done: all is programmed afresh.</summary>
    [Fact]
    public void A_refused_command_is_passed_over_told_and_made_up_for()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        scene.Mark(0, 1);
        scene.Mark(Page, 2);
        var domain = scene.NewDomain(0, size: 2 * Page);
        device.Iommu!.Group.Attach(domain);
        Assert.Equal((byte)1, Read(port, At));
        scene.Unit.Registers.Before = () =>
        {
            scene.Unit.Registers.Before = null;
            Corrupt(scene, 0xFF);
        };
        Assert.Equal(Page, domain.Unmap(At, Page));
        Assert.Equal(1UL, scene.Driver.CommandErrors);
        var failure = scene.Board.Core.Failures[^1];
        Assert.Equal((UnitOperation.Invalidate, UnitRemedy.Reprogrammed), (failure.Operation, failure.Remedy));
        Assert.Contains("refused the command", failure.Reason, StringComparison.Ordinal);
        Assert.Null(Read(port, At));
        Assert.Equal((byte)2, Read(port, At + Page));
    }

    [Fact]
    public void A_refused_sync_is_replaced()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var domain = Attached(scene);
        Assert.Equal(Status.Ok, domain.Map(At, scene.Data, Page, Protection.ReadWrite));
        scene.Unit.Registers.Before = () =>
        {
            scene.Unit.Registers.Before = null;
            Corrupt(scene, 0x46 | 3 << 12, place: 1); // CS is reserved
        };
        Assert.Equal(Page, domain.Unmap(At, Page));
        Assert.Equal(1UL, scene.Driver.CommandErrors);
        Assert.Equal(UnitRemedy.Reprogrammed, scene.Board.Core.Failures[^1].Remedy);
    }

    [Fact]
    public void A_queue_that_cannot_be_read_is_an_error_that_ends()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        scene.Unit.Off();
        scene.Model.SetPower(false);
        scene.Model.SetPower(true);
        scene.Unit.Registers.Loses = offset => offset == SmmuV3Register.CommandQueueBase;
        var error = Assert.Throws<ApertureException>(scene.Unit.On);
        Assert.Equal(Status.IoError, error.Status);
        Assert.Contains("cannot read its command queue", error.Message, StringComparison.Ordinal);
        scene.Unit.Registers.Loses = null;
        scene.Unit.On();
        Assert.False(scene.Driver.NeedsReprogram);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_queue_that_stands_still_is_given_up_and_what_was_unmapped_is_kept(bool usesMessages)
    {
        var limit = TimeSpan.FromMilliseconds(3);
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700, new SmmuV3DriverOptions { UsesMessages = usesMessages, Limit = limit });
        var domain = Attached(scene);
        Assert.Equal(Status.Ok, domain.Map(At, scene.Data, 2 * Page, Protection.ReadWrite));
        var start = scene.Board.Time.GetTimestamp();
        scene.Unit.Registers.Loses = offset => offset == SmmuV3Register.CommandQueueProducer;
        Assert.Equal(Status.TimedOut, Assert.Throws<ApertureException>(() => domain.Unmap(At, Page)).Status);
        Assert.InRange(scene.Board.Time.GetElapsedTime(start), limit, 3 * limit); // of the queue, and of programming it afresh
        Assert.Contains("CMDQ_CONS stays", scene.Board.Core.Failures[^1].Reason, StringComparison.Ordinal);
        Assert.True(domain.IsQuarantining);
        scene.Unit.Registers.Loses = null;
        Assert.Equal(Page, domain.Unmap(At + Page, Page));
        Assert.False(domain.IsQuarantining);
    }

    [Fact]
    public void A_register_that_does_not_follow_is_named()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700, new SmmuV3DriverOptions { Limit = TimeSpan.FromMilliseconds(1) });
        scene.Unit.Off();
        scene.Model.AcknowledgeDelayPolls = 20;
        scene.Unit.On();
        scene.Unit.Off();
        scene.Model.AcknowledgeDelayPolls = -1;
        var error = Assert.Throws<ApertureException>(scene.Unit.On);
        Assert.Equal(Status.TimedOut, error.Status);
        Assert.Contains("CR0ACK stays", error.Message, StringComparison.Ordinal);
    }

    private static IommuDomain Attached(SmmuV3Scene scene)
    {
        var (device, _) = scene.AddMaster();
        var domain = scene.Driver.CreateDomain(DomainType.Unmanaged);
        device.Iommu!.Group.Attach(domain);
        return domain;
    }

    private static void Scatter(IommuDomain domain, SmmuV3Scene scene, int pages)
    {
        for (var i = 0UL; i < (ulong)pages; i++)
            Assert.Equal(Status.Ok, domain.Map(At + (i * 3 * Page), scene.Data, Page, Protection.ReadWrite));
    }

    private static void Unscatter(IommuDomain domain, int pages)
    {
        var gather = default(InvalidationGather);
        for (var i = 0UL; i < (ulong)pages; i++)
            domain.Unmap(At + (i * 3 * Page), Page, ref gather, out _);
        Assert.Equal(Status.Ok, domain.Commit(ref gather));
    }

    /// <summary>Changes a command that is about to be handed to the unit.</summary>
    private static void Corrupt(SmmuV3Scene scene, ulong low, uint place = 0)
    {
        Assert.True(scene.Model.TryRead(SmmuV3Register.CommandQueueBase, 8, out var queue));
        Assert.True(scene.Model.TryRead(SmmuV3Register.CommandQueueProducer, 4, out var producer));
        var at = new SmmuV3QueueBase(queue);
        var ring = new SmmuV3Ring(at.EntriesLog2);
        var entry = new PhysicalAddress(at.Address + (ring.IndexOf(ring.Next((uint)producer, place)) * SmmuV3Command.Bytes));
        BitConverter.TryWriteBytes(scene.Board.Memory.Span(entry, 8), low);
    }
}
