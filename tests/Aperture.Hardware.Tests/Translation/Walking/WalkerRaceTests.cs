using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Hardware.Translation.Walking;

namespace Aperture.Hardware.Tests.Translation.Walking;

/// <summary>Walkers that mark pages while software takes them away.</summary>
public sealed class WalkerRaceTests : IDisposable
{
    private const int Rounds = 20_000;
    private const int Handshakes = 1_000; // each takes turns of two threads

    private readonly WalkScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Fact]
    public void A_page_that_was_unmapped_does_not_come_back_Amd() => Race(new AmdV1Format(3), Protection.ReadWrite);

    [Fact]
    public void A_page_that_was_unmapped_does_not_come_back_Lpae() =>
        Race(new ArmLpaeFormat(new() { TracksDirty = true }), Protection.ReadWrite | ArmLpaeFormat.Clean);

    /// <summary>What was written before it was made clean is told, whoever was quicker.</summary>
    [Fact]
    public void No_mark_is_lost_between_reading_and_clearing()
    {
        using var table = new PageTable<AmdV1Format>(new(3), _scene.Tables);
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Map(new Iova(0x1000), new PhysicalAddress(0x9000_0000), 4096, Protection.ReadWrite, ref gather));
        var walker = _scene.Walker(table, TableUpdates.Accessed | TableUpdates.Dirty);
        long writes = 0, seen = 0, told = 0;
        var writing = new Thread(() =>
        {
            for (var i = 0; i < Handshakes; i++)
            {
                // The next write only once the last was told: each must be.
                walker.TryWalk(0x1000, new(IsWrite: true), out _, out _);
                Volatile.Write(ref writes, i + 1);
                var wait = default(SpinWait);
                while (Volatile.Read(ref seen) <= i)
                    wait.SpinOnce();
            }
        });
        writing.Start();
        while (told < Handshakes)
        {
            var written = new WrittenList();
            table.ReadDirty(new Iova(0x1000), 4096, true, ref written, ref gather);
            if (written.Pages.Count == 0)
                continue;
            told++;
            var wait = default(SpinWait);
            while (Volatile.Read(ref writes) < told)
                wait.SpinOnce();
            Volatile.Write(ref seen, told);
        }

        writing.Join();
        Assert.Equal(Handshakes, told);
    }

    private void Race<TFormat>(TFormat format, Protection protection)
        where TFormat : struct, IPageTableFormat
    {
        using var table = new PageTable<TFormat>(format, _scene.Tables);
        var at = new Iova(0x1000);
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Map(at + 0x1000, new PhysicalAddress(0x9000_1000), 4096, protection, ref gather)); // keeps the tables
        var walker = _scene.Walker(table, TableUpdates.Accessed | TableUpdates.Dirty);
        var isDone = false;
        long found = 0;
        var walking = new Thread(() =>
        {
            var own = walker;
            while (!Volatile.Read(ref isDone))
            {
                if (own.TryWalk(0x1000, new(IsWrite: true), out var result, out var fault))
                {
                    Assert.Equal(new PhysicalAddress(0x9000_0000), result.Address);
                    found++;
                }
                else
                {
                    Assert.Equal(WalkFaultKind.NotMapped, fault.Kind);
                }
            }
        });
        walking.Start();
        var back = 0;
        for (var i = 0; i < Rounds; i++)
        {
            Assert.Equal(Status.Ok, table.Map(at, new PhysicalAddress(0x9000_0000), 4096, protection, ref gather));
            Thread.SpinWait(i % 50);
            Assert.Equal(Status.Ok, table.Unmap(at, 4096, ref gather, out var unmapped));
            Assert.Equal(4096UL, unmapped);
            Thread.SpinWait(i % 50);
            if (table.TryTranslate(at, out _))
                back++;
        }

        Volatile.Write(ref isDone, true);
        walking.Join();
        Assert.Equal(0, back);
        Assert.NotEqual(0, found);
    }
}
