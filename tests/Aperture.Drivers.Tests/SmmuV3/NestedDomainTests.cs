using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;
using Aperture.Drivers.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using static Aperture.Drivers.Tests.SmmuV3.SmmuV3Scene;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>Guests' own tables over domains of stage 2.</summary>
public sealed class NestedDomainTests
{
    private const uint NoStream = 0xDEAD; // a guest's number, which is none of the unit's

    [Fact]
    public void A_guests_addresses_go_through_both_stages()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        var guest = new GuestMemory(scene, 0);
        guest.Map(0, 0, 16);
        guest.Map(0, 1, 17);
        guest.Mark(16, 1);
        guest.Mark(17, 2);
        using var nested = guest.Nest();
        device.Iommu!.Group.Attach(nested);
        Assert.Equal(((byte?)1, (byte?)2), (Read(port, At), Read(port, At + Page)));
        Assert.Null(Read(port, At + (2 * Page)));
        Assert.Null(Read(port, new Iova(GuestMemory.PageAt(16)))); // an address of the parent's, not of the guest's space
        Assert.All(scene.Board.Core.Faults, fault => Assert.Equal(TranslationStages.First, fault.Stage));
        scene.Unit.Cycle();
        Assert.Equal((byte)1, Read(port, At));
        device.Iommu.Group.Replace(guest.Parent);
        Assert.Equal((byte)1, Read(port, new Iova(GuestMemory.PageAt(16))));
        Assert.Null(Read(port, At));
        Assert.Empty(scene.Board.Core.Failures);
    }

    [Fact]
    public void A_guest_changes_its_entry()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(8);
        var guest = new GuestMemory(scene, 0);
        guest.Map(0, 0, 16);
        guest.Map(1, 0, 17);
        guest.Mark(16, 1);
        guest.Mark(17, 2);
        var group = device.Iommu!.Group;
        var direct = new Iova(GuestMemory.PageAt(16));
        group.Attach(guest.Nest(GuestMemory.Entry(config: SmmuV3StreamConfig.Bypass)));
        Assert.Equal(((byte?)1, null), (Read(port, direct), Read(port, At)));
        group.Replace(guest.Nest(substreamBits: 4));
        Assert.Equal(((byte?)1, (byte?)2), (Read(port, At), Read(port, At, 1)));
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(
            () => group.AttachPasid(new Pasid(2), scene.NewDomain(0))).Status); // processes are the guest's
        group.Replace(guest.Nest([0, 0]));
        Assert.Equal((null, null), (Read(port, direct), Read(port, At)));
        group.Replace(guest.Nest(GuestMemory.Entry(config: SmmuV3StreamConfig.Abort)));
        Assert.Equal((null, null), (Read(port, direct), Read(port, At)));
        var faults = scene.Board.Core.FaultCount;
        group.Replace(guest.Nest());
        Assert.Equal((byte)1, Read(port, At));
        Assert.Equal(faults, scene.Board.Core.FaultCount);
    }

    /// <summary>What was translated by both stages is under no number of the parent's own, in the unit or in a context that it
    /// read.</summary>
    [Fact]
    public void An_unmap_of_the_parent_takes_what_a_guest_reached_through_it()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        var guest = new GuestMemory(scene, 0);
        guest.Map(0, 0, 16);
        guest.Map(0, 1, 17);
        guest.Mark(16, 1);
        guest.Mark(17, 2);
        device.Iommu!.Group.Attach(guest.Nest());
        Assert.Equal((byte)1, Read(port, At));
        Assert.Equal((byte)2, Read(port, At + Page));
        var reports = new List<FaultReport>();
        guest.Parent.FaultHandler = (in FaultReport report) =>
        {
            reports.Add(report);
            return FaultResponse.Unhandled;
        };
        Assert.Equal(Page, guest.Parent.Unmap(new Iova(GuestMemory.PageAt(17)), Page));
        Assert.Null(Read(port, At + Page + 8));
        Assert.Equal((byte)1, Read(port, At));
        var report = Assert.Single(reports);
        Assert.Equal((TranslationStages.Second, new Iova(GuestMemory.PageAt(17) + 8), false),
            (report.Stage, report.Address, report.IsTableAccess));

        // The page of the context descriptors: the unit reads them by stage 2.
        Assert.Equal(Page, guest.Parent.Unmap(new Iova(GuestMemory.PageAt(0)), Page));
        Assert.Null(Read(port, At));
        Assert.Equal((2, true), (reports.Count, reports[1].IsTableAccess));
        Assert.Equal(new Iova(GuestMemory.PageAt(0)), reports[1].Address);
    }

    [Fact]
    public void A_guests_invalidations_are_done_for_its_own_streams_and_machine_only()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(8);
        var (other, otherPort) = scene.AddMaster(8);
        GuestMemory[] guests = [new(scene, 0), new(scene, 64 * Page)];
        var domains = guests.Select(guest => (NestedDomain)guest.Nest(substreamBits: 4)).ToArray();
        device.Iommu!.Group.Attach(domains[0]);
        other.Iommu!.Group.Attach(domains[1]);
        SmmuV3Command[] ways =
        [
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, vmid: 77),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, vmid: 77, asid: 1),
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 77, 1, At.Value, leafOnly: true),
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddressOfAll, 77, 0, At.Value, leafOnly: true),
            SmmuV3Command.TlbRange(SmmuV3Opcode.TlbAddress, 77, 1, At.Value, true, 1, 3, 2, 0),
        ];
        foreach (var way in ways)
        {
            Fill();
            foreach (var guest in guests)
                guest.Map(0, 0, 18);
            Assert.Equal(((byte?)1, (byte?)1), (Read(port, At), Read(otherPort, At))); // nobody was told
            Assert.Equal(Status.Ok, domains[0].Invalidate(GuestMemory.Bytes(way), out var done));
            Assert.Equal(SmmuV3Command.Bytes, done);
            Assert.Equal(((byte?)3, (byte?)1), (Read(port, At), Read(otherPort, At)));
        }

        foreach (var way in (SmmuV3Command[])[SmmuV3Command.DropContext(NoStream, 0), SmmuV3Command.DropContexts(NoStream)])
        {
            Fill();
            foreach (var guest in guests)
                guest.SetDescriptor(0, 1);
            Assert.Equal(((byte?)1, (byte?)1), (Read(port, At), Read(otherPort, At)));
            Assert.Equal(Status.Ok, domains[0].Invalidate(GuestMemory.Bytes(way), out _));
            Assert.Equal(((byte?)2, (byte?)1), (Read(port, At), Read(otherPort, At)));
            foreach (var guest in guests)
                guest.SetDescriptor(0, 0);
        }

        void Fill()
        {
            foreach (var (guest, domain) in guests.Zip(domains))
            {
                guest.Map(0, 0, 16);
                guest.Map(1, 0, 17);
                guest.Mark(16, 1);
                guest.Mark(17, 2);
                guest.Mark(18, 3);
                Assert.Equal(Status.Ok, domain.Invalidate(
                    GuestMemory.Bytes(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll), SmmuV3Command.DropContexts(0)), out _));
            }

            Assert.Equal(((byte?)1, (byte?)1), (Read(port, At), Read(otherPort, At)));
            Assert.Equal(((byte?)2, (byte?)2), (Read(port, At, 1), Read(otherPort, At, 1)));
        }
    }

    [Fact]
    public void The_first_command_that_is_no_guests_ends_them()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu600);
        var (device, port) = scene.AddMaster();
        var guest = new GuestMemory(scene, 0);
        guest.Map(0, 0, 16);
        guest.Mark(16, 1);
        guest.Mark(17, 2);
        var domain = (NestedDomain)guest.Nest();
        device.Iommu!.Group.Attach(domain);
        var drop = SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll);
        SmmuV3Command[] wrong =
        [
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine),
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbIntermediate, 0, 0, 0, false),
            SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAll),
            SmmuV3Command.DropStream(1),
            SmmuV3Command.DropStreams(),
            SmmuV3Command.ResumeAccess(1, 0, true),
            SmmuV3Command.Respond(1, null, 0, 0),
            SmmuV3Command.Synchronise(),
            SmmuV3Command.TlbRange(SmmuV3Opcode.TlbAddress, 0, 1, 0, true, 1, 0, 2, 0), // an MMU-600 has none
            SmmuV3Command.DropAtc(1, null, 0, SmmuV3Command.AtcAll + 1),
            new(0xFF, 0),
        ];
        foreach (var command in wrong)
        {
            guest.Map(0, 0, 16);
            Assert.Equal(Status.Ok, domain.Invalidate(GuestMemory.Bytes(drop), out _));
            Assert.Equal((byte)1, Read(port, At));
            guest.Map(0, 0, 17);
            Assert.Equal(Status.InvalidArgument, domain.Invalidate(GuestMemory.Bytes(command, drop), out var done));
            Assert.Equal((0, (byte?)1), (done, Read(port, At)));
            Assert.Equal(Status.InvalidArgument, domain.Invalidate(GuestMemory.Bytes(drop, command, drop), out done));
            Assert.Equal((SmmuV3Command.Bytes, (byte?)2), (done, Read(port, At)));
        }

        Assert.Equal(Status.InvalidArgument, domain.Invalidate(GuestMemory.Bytes(drop).AsSpan(0, 15), out var cut));
        Assert.Equal(0, cut);
        Assert.Equal(0UL, scene.Driver.CommandErrors);
    }

    [Fact]
    public void Entries_that_no_guest_may_have_are_refused_by_name()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700 with { SubstreamBits = 8, HasTwoLevelContexts = false });
        var guest = new GuestMemory(scene, 0);
        var good = GuestMemory.Entry();
        ulong[][] wrong =
        [
            [good[0]],
            [good[0], good[1], 0],
            [good[0] | 1UL << 52, good[1]],
            [good[0], good[1] | 1UL << 30],     // STRW
            [good[0], good[1] | 1UL << 44],     // SHCFG
            [good[0] | 2 << 1, good[1]],        // both stages
            GuestMemory.Entry(config: SmmuV3StreamConfig.Stage2),
            [good[0], good[1] | 2UL << 28],     // EATS 3
            GuestMemory.Entry(9),
            [GuestMemory.Entry(8)[0] | 1 << 4, good[1]], // two levels
            [good[0], good[1] | 3],             // S1DSS
        ];
        foreach (var entry in wrong)
            Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => guest.Nest(entry)).Status);
        var first = scene.NewDomain(0);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => scene.Driver.CreateDomain(
            new DomainRequest(DomainType.Nested) { Parent = first, GuestTable = good })).Status);
        using var single = new SmmuV3Scene(SmmuV3Options.Mmu700 with { HasStage2 = false });
        Assert.False(single.Driver.Capabilities.Nesting);
    }

    [Fact]
    public void A_guest_mends_its_own_faults_and_the_host_the_parents()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700, new SmmuV3DriverOptions { Stalls = _ => true });
        var (device, port) = scene.AddMaster(8);
        var guest = new GuestMemory(scene, 0);
        guest.Mark(16, 1);
        guest.SetDescriptor(0, 0, stalls: true);
        guest.SetDescriptor(3, 0, stalls: true);
        var nested = guest.Nest(substreamBits: 4);
        device.Iommu!.Group.Attach(nested);
        guest.Parent.Unmap(new Iova(GuestMemory.PageAt(16)), Page);
        var told = new List<string>();
        nested.PageRequestHandler = group =>
        {
            told.Add($"guest {group.Requests[^1].Address} {group.Pasid?.Value}");
            guest.Map(0, 0, 16);
            return FaultResponse.Retry;
        };
        guest.Parent.FaultHandler = (in FaultReport report) =>
        {
            var status = guest.Parent.Map(new Iova(GuestMemory.PageAt(16)), scene.Data + (16 * Page), Page, Protection.ReadWrite);
            told.Add($"host {report.Address} {status}");
            return FaultResponse.Retry;
        };
        Assert.Equal((byte)1, Read(port, At, 3));
        Assert.Equal([$"guest {At} 3", $"host {new Iova(GuestMemory.PageAt(16))} Ok"], told);
        Assert.Equal((0, 0), (scene.Model.Stalled, scene.Board.Core.WaitingRequests));

        // A mistake in the guest's own structures is the guest's to hear of.
        guest.SetDescriptor(3, 0, isValid: false);
        var codes = new List<uint>();
        nested.FaultHandler = (in FaultReport report) =>
        {
            codes.Add(report.Code);
            return FaultResponse.Unhandled;
        };
        Assert.Equal(Status.Ok, ((NestedDomain)nested).Invalidate(GuestMemory.Bytes(SmmuV3Command.DropContext(0, 3)), out _));
        Assert.Null(Read(port, At, 3));
        Assert.Null(Read(port, At, 16));
        Assert.Equal([(uint)SmmuV3EventId.BadContext, (uint)SmmuV3EventId.BadSubstream], codes);
    }

    /// <summary>A master that cannot wait is aborted, whatever a guest's descriptor wants.</summary>
    [Fact]
    public void A_guest_stalls_no_master_that_cannot_wait()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        var guest = new GuestMemory(scene, 0);
        guest.SetDescriptor(0, 0, stalls: true);
        guest.Map(0, 0, 16);
        device.Iommu!.Group.Attach(guest.Nest());
        Assert.Null(Read(port, At));
        Assert.Equal((uint)SmmuV3EventId.BadContext, scene.Board.Core.Faults[^1].Code);
        Assert.Equal(0, scene.Model.Stalled);
    }

    [Fact]
    public void Nothing_is_left_of_guests_that_came_and_went()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700 with { VmidBits = 8 });
        var (device, port) = scene.AddMaster();
        var used = scene.Board.Tables.BytesInUse;
        for (var round = 0; round < 600; round++)
        {
            var guest = new GuestMemory(scene, (ulong)(round % 2) * 64 * Page);
            guest.Map(0, 0, 16);
            guest.Mark(16, (byte)(round % 2 + 1));
            using var nested = guest.Nest();
            device.Iommu!.Group.Attach(nested);
            Assert.Equal((byte?)(round % 2 + 1), Read(port, At)); // the number of the one before, and its spaces', are used again
            Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(guest.Parent.Dispose).Status);
            device.Iommu.Group.Detach(nested);
            guest.Parent.Dispose();
            if (round == 0)
                used = scene.Board.Tables.BytesInUse;
            Assert.Equal(used, scene.Board.Tables.BytesInUse);
        }
    }

    /// <summary>A guest's numbers of address spaces are the same in both of its entries: what the unit kept of the first must be gone
    /// before a device, whose service stays on, is told to ask anew.</summary>
    [Fact]
    public void A_device_drops_what_another_entry_of_its_guest_led_to_after_the_unit_did()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(hasAts: true);
        var guest = new GuestMemory(scene, 0);
        guest.Map(0, 0, 16);
        device.Iommu!.Group.Attach(guest.Nest());
        Assert.NotNull(Read(port, At));
        var before = scene.Model.Counters.Invalidations;
        var seen = new List<ulong>();
        scene.Model.ToDevices = _ => seen.Add(scene.Model.Counters.Invalidations);
        device.Iommu.Group.Replace(guest.Nest());
        Assert.True(scene.Model.Counters.Invalidations > before);
        Assert.Equal(scene.Model.Counters.Invalidations, Assert.Single(seen));
    }

    [Fact]
    public void A_guests_device_is_told_when_what_the_unit_was_to_drop_is_gone()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, _) = scene.AddMaster(hasAts: true);
        var guest = new GuestMemory(scene, 0);
        var nested = (NestedDomain)guest.Nest();
        device.Iommu!.Group.Attach(nested);
        var told = new List<SmmuV3Command>();
        scene.Model.ToDevices = told.Add;
        var (drop, tell) = (SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll), SmmuV3Command.DropAtc(0, null, 0, SmmuV3Command.AtcAll));
        Assert.Equal(2, SyncsOf(drop, tell, tell));
        Assert.Equal(1, SyncsOf(tell, drop));
        Assert.Equal(3, SyncsOf(drop, tell, drop, tell));
        Assert.Equal(5, told.Count);

        int SyncsOf(params SmmuV3Command[] commands)
        {
            var before = scene.Driver.Syncs;
            Assert.Equal(Status.Ok, nested.Invalidate(GuestMemory.Bytes(commands), out _));
            return (int)(scene.Driver.Syncs - before);
        }
    }

    /// <summary>Stage 2 keeps the account, whether a guest's stage 1 lies before it or not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_through_stage_2_is_told(bool isNested)
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster();
        var guest = new GuestMemory(scene, 0, tracksDirty: true);
        for (var i = 0; i < 4; i++)
            guest.Map(0, i, 16 + i);
        device.Iommu!.Group.Attach(isNested ? guest.Nest() : guest.Parent);
        var start = isNested ? At : new Iova(GuestMemory.PageAt(16));
        Assert.Equal(DmaStatus.Ok, port.Write(start, [1], out _)); // before account is kept
        Assert.Equal(Status.Ok, guest.Parent.SetDirtyTracking(true));
        Assert.Equal([], Written());
        Assert.NotNull(Read(port, start + Page));
        Assert.Equal([], Written());
        Assert.Equal(DmaStatus.Ok, port.Write(start + Page, [1], out _)); // what was read only is in the unit's memory by now
        Assert.NotNull(Read(port, start + (2 * Page)));
        Assert.Equal(DmaStatus.Ok, port.Write(start + (3 * Page), [1], out _));
        Assert.Equal([1, 3], Written());
        Assert.Equal([], Written());
        Assert.Equal(DmaStatus.Ok, port.Write(start + (3 * Page), [1], out _));
        Assert.Equal([3], Written());

        int[] Written()
        {
            var bits = new byte[1];
            var gather = default(InvalidationGather);
            var first = new Iova(GuestMemory.PageAt(16));
            Assert.Equal(Status.Ok, guest.Parent.ReadAndClearDirty(first, 4 * Page, new DirtyBitmap(bits, first, Page), ref gather));
            Assert.Equal(Status.Ok, guest.Parent.Commit(ref gather));
            return [.. Enumerable.Range(0, 4).Where(page => (bits[0] >> page & 1) != 0)];
        }
    }
}
