using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Datasheets.Pci;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Ats;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using static Aperture.Boards.Tests.Ats.AtsScene;

namespace Aperture.Boards.Tests.Ats;

/// <summary>A device with translations of its own behind an SMMUv3.</summary>
public sealed class AtsTests
{
    private static bool IsOn(AtsScene scene) => (scene.Pci.Configuration.Read16(
        scene.Pci.Configuration.Find(ExtendedCapabilityId.Ats) + AtsRegisters.Control) & AtsRegisters.Enable) != 0;

    [Fact]
    public void The_DMA_API_works_with_a_device_that_keeps_translations()
    {
        using var scene = new AtsScene();
        Assert.True(IsOn(scene));
        using var buffer = scene.Device.Dma.Allocate(4096);
        buffer.Span[..8].Fill(0x5A);
        Span<byte> read = stackalloc byte[8];
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Read(buffer.Address, read));
        Assert.Equal(buffer.Span[..8].ToArray(), read.ToArray());
        Assert.Equal(AtsEndpointResult.Done, scene.Client.Write(buffer.Address + 100, [1, 2, 3, 4]));
        Assert.Equal([1, 2, 3, 4], buffer.Span.Slice(100, 4).ToArray());
        Assert.Equal((1UL, 1UL), (scene.Client.Misses, scene.Client.Hits));
        Assert.Equal(0UL, scene.Machine.Iommu.FaultCount);
    }

    [Fact]
    public void A_translation_stays_until_the_device_is_told()
    {
        using var scene = new AtsScene();
        var domain = scene.NewDomain();
        scene.Bytes(0)[0] = 7;
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), 4 * Page, Protection.ReadWrite));
        Assert.Equal((byte)7, scene.Read(At));
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, domain.Unmap(At, 4 * Page, ref gather, out _));
        Assert.Equal((byte)7, scene.Read(At)); // nobody was told yet
        Assert.Equal(1, scene.Endpoint.Translations.Count);
        Assert.Equal(Status.Ok, domain.Commit(ref gather));
        Assert.Equal(0, scene.Endpoint.Translations.Count);
        Assert.Null(scene.Read(At));
    }

    [Fact]
    public void A_page_that_may_only_be_read_is_not_written()
    {
        using var scene = new AtsScene();
        var domain = scene.NewDomain();
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), Page, Protection.Read));
        Assert.Equal((byte)0, scene.Read(At));
        Assert.Equal(AtsEndpointResult.Refused, scene.Client.Write(At, [1]));
        Assert.Equal(0, scene.Bytes(0)[0]);
    }

    /// <summary>The service is on while the entry allows it, and not a moment longer: a translated access is never an event.</summary>
    [Fact]
    public void Services_follow_the_domain()
    {
        using var scene = new AtsScene();
        var events = new List<SmmuV3Event>();
        scene.Unit.EventFound += events.Add;
        var domain = scene.NewDomain();
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), Page, Protection.ReadWrite));
        Assert.Equal((true, (byte?)0), (IsOn(scene), scene.Read(At)));
        scene.Group.Replace(scene.Machine.Iommu.Identity);
        Assert.False(IsOn(scene));
        Assert.Equal(0, scene.Endpoint.Translations.Count);
        Assert.Equal((byte)0, scene.Read(new Iova(scene.Data.Value)));
        scene.Group.Replace(domain);
        Assert.Equal((true, (byte?)0), (IsOn(scene), scene.Read(At)));
        scene.Group.Replace(scene.Machine.Iommu.Blocked);
        Assert.False(IsOn(scene));
        Assert.Null(scene.Read(At));
        Assert.DoesNotContain(events, record => record.Id is SmmuV3EventId.BadTranslationRequest or SmmuV3EventId.TranslatedForbidden);
        scene.Group.Replace(domain);
        Assert.Equal((byte)0, scene.Read(At));
        scene.Pci.Reset(); // which forgets what was on
        Assert.True(IsOn(scene));
        Assert.Equal((byte)0, scene.Read(At));
    }

    [Fact]
    public void Without_a_root_complex_that_passes_them_there_are_no_translations()
    {
        using var scene = new AtsScene(isSupported: false);
        var domain = scene.NewDomain();
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), Page, Protection.ReadWrite));
        Assert.False(IsOn(scene));
        Assert.Equal((byte)0, scene.Read(At));
        Assert.Equal((0UL, 0), (scene.Client.Misses, scene.Endpoint.Translations.Count));
        // Its accesses may name processes all the same.
        scene.Bytes(1)[0] = 9;
        var process = scene.NewDomain(isAttached: false);
        Assert.Equal(Status.Ok, process.Map(At, scene.PageOf(1), Page, Protection.ReadWrite));
        scene.Group.AttachPasid(new Pasid(5), process);
        Assert.Equal((byte)9, scene.Read(At, 5));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_invalidation_without_a_process_and_those_that_have_one(bool keepsProcesses)
    {
        using var scene = new AtsScene(new AtsEndpointOptions { KeepsProcesses = keepsProcesses });
        var domain = scene.NewDomain();
        var process = scene.NewDomain(isAttached: false);
        foreach (var one in (IommuDomain[])[domain, process])
            Assert.Equal(Status.Ok, one.Map(At, scene.PageOf(0), Page, Protection.ReadWrite));
        scene.Group.AttachPasid(new Pasid(3), process);
        Assert.Equal(((byte?)0, (byte?)0), (scene.Read(At), scene.Read(At, 3)));
        Assert.Equal(2, scene.Endpoint.Translations.Count);
        domain.Unmap(At, Page);
        Assert.Equal(keepsProcesses ? 1 : 0, scene.Endpoint.Translations.Count);
        Assert.Equal((byte)0, scene.Read(At, 3));
        process.Unmap(At, Page);
        Assert.Equal((0, null), (scene.Endpoint.Translations.Count, scene.Read(At, 3)));
    }

    /// <summary>A device that does not answer may use what it was given for ever: nothing it calls translated passes any more, and what was
    /// unmapped is out of its reach.</summary>
    [Fact]
    public void A_device_that_does_not_answer_loses_its_service()
    {
        using var scene = new AtsScene(new AtsEndpointOptions { AnswersInvalidations = false });
        var domain = scene.NewDomain();
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), Page, Protection.ReadWrite));
        Assert.Equal((byte)0, scene.Read(At));
        Assert.Equal((true, 1UL), (IsOn(scene), scene.Client.Misses));
        Assert.Equal(Page, domain.Unmap(At, Page));
        Assert.False(IsOn(scene));
        Assert.Null(scene.Read(At));
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), Page, Protection.ReadWrite));
        Assert.Equal(((byte?)0, 1UL), (scene.Read(At), scene.Client.Misses));
        var failure = Assert.Single(scene.Machine.Iommu.Failures);
        Assert.Equal(UnitRemedy.Reprogrammed, failure.Remedy);
        Assert.Contains("did not answer an invalidation", failure.Reason, StringComparison.Ordinal);
        var translated = scene.Endpoint.Port.Read(
            scene.Endpoint.Port.Requester, new Iova(scene.Data.Value), new byte[1], out _, TranslationKind.Translated);
        Assert.NotEqual(DmaStatus.Ok, translated);
    }

    [Fact]
    public void A_write_that_is_too_long_leaves_other_channels_alone()
    {
        using var scene = new AtsScene();
        scene.Client.Put(1, [1, 2, 3, 4]);
        var refusal = Assert.Throws<ApertureException>(() => scene.Client.Write(At, new byte[scene.Client.BufferBytes + 4]));
        Assert.Equal(Status.OutOfRange, refusal.Status);
        var kept = new byte[4];
        scene.Client.Fetch(1, kept);
        Assert.Equal([1, 2, 3, 4], kept);
    }

    [Fact]
    public void A_commit_waits_for_accesses_by_what_it_drops()
    {
        using var scene = new AtsScene();
        var domain = scene.NewDomain();
        Assert.Equal(Status.Ok, domain.Map(At, scene.PageOf(0), Page, Protection.ReadWrite));
        Assert.Equal((byte)0, scene.Read(At));
        using var isInside = new ManualResetEventSlim();
        var (isFound, isCommitting, isCommitted, wasEarly) = (false, false, false, false);
        var device = new Thread(() =>
        {
            using (scene.Endpoint.Translations.Use())
            {
                isFound = scene.Endpoint.Translations.TryFind(null, At, DmaAccess.Read, out _);
                isInside.Set();
                while (!Volatile.Read(ref isCommitting))
                    Thread.Yield();
                for (var turn = 0; turn < 5000; turn++) // a commit that waits for nobody has returned by then
                    Thread.Yield();
                wasEarly = Volatile.Read(ref isCommitted);
            }
        });
        device.Start();
        isInside.Wait();
        Volatile.Write(ref isCommitting, true);
        domain.Unmap(At, Page);
        Volatile.Write(ref isCommitted, true);
        device.Join();
        Assert.True(isFound);
        Assert.False(wasEarly, "the commit returned while an access by what it dropped was going on");
        Assert.Equal(0, scene.Endpoint.Translations.Count);
    }

    [Fact]
    public void A_translation_that_was_asked_for_before_an_invalidation_is_not_kept()
    {
        var cache = new AddressTranslationCache(4);
        var target = new TranslationResult(TranslationStatus.Ok, new PhysicalAddress(0x8000_0000), Page, Protection.ReadWrite);
        var before = cache.Invalidations;
        cache.Invalidate(new AtsInvalidation(new Pasid(9), false, default, default)); // of whatever: nobody knows what the answer was
        cache.Fill(before, null, At, target);
        Assert.Equal(0, cache.Count);
        cache.Fill(cache.Invalidations, null, At, target);
        Assert.Equal(1, cache.Count);
        Assert.True(cache.TryFind(null, At + 8, DmaAccess.Write, out var found));
        Assert.Equal((new PhysicalAddress(0x8000_0008), Page - 8), (found.Address, found.Length));
        Assert.False(cache.TryFind(new Pasid(1), At, DmaAccess.Read, out _));
        cache.Invalidate(new AtsInvalidation(null, false, At + Page, At + (2 * Page)));
        Assert.Equal(1, cache.Count);
        cache.Invalidate(new AtsInvalidation(null, false, At + (Page - 1), At + Page));
        Assert.Equal(0, cache.Count);
    }

    /// <summary>Pages are unmapped while the device is at them, and used for something else as soon as the commit has returned.</summary>
    [Fact]
    public void A_device_never_gets_to_what_was_unmapped_after_the_commit_returned()
    {
        const int Pages = 8;
        var rounds = Environment.GetEnvironmentVariable("APERTURE_LONG") == "1" ? 200_000 : 2_000;
        using var scene = new AtsScene(new AtsEndpointOptions { Translations = 4 });
        var domain = scene.NewDomain();
        var isOver = false;
        var moved = 0UL;
        var device = new Thread(() =>
        {
            var random = new Random(5);
            ReadOnlySpan<byte> bytes = stackalloc byte[16];
            while (!Volatile.Read(ref isOver))
            {
                var at = At + ((ulong)random.Next(Pages) * Page) + (ulong)random.Next((int)Page - 64);
                if (scene.Client.Write(at, bytes) == AtsEndpointResult.Done)
                    moved++;
            }
        });
        var seed = Environment.TickCount;
        var choices = new Random(seed);
        device.Start();
        var problems = new List<string>();
        try
        {
            for (var round = 0; round < rounds || Volatile.Read(ref moved) < 100; round++)
            {
                var (first, count) = (choices.Next(Pages), choices.Next(1, 4));
                var size = (ulong)Math.Min(count, Pages - first) * Page;
                var start = At + ((ulong)first * Page);
                if (domain.Map(start, scene.PageOf(first), size, Protection.ReadWrite) is not Status.Ok and var status)
                    problems.Add($"seed {seed} round {round}: map is {status}");
                Thread.Yield();
                if (domain.Unmap(start, size) != size)
                    problems.Add($"seed {seed} round {round}: not all was unmapped");
                if (scene.Endpoint.Translations.Count != 0)
                    problems.Add($"seed {seed} round {round}: the device keeps what was unmapped");
                var memory = scene.Machine.Memory.Span(scene.PageOf(first), (int)size);
                memory.Fill(0xA5); // the next owner's
                if (memory.IndexOfAnyExcept((byte)0xA5) >= 0)
                    problems.Add($"seed {seed} round {round}: the device wrote what was not its any more");
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            device.Join();
        }

        Assert.Empty(problems);
        Assert.True(moved >= 100, $"seed {seed}: the device moved nothing");
        Assert.Equal(-1, scene.Machine.Memory.Span(scene.PageOf(0), Pages * (int)Page).IndexOfAnyExcept((byte)0xA5, (byte)0));
    }
}
