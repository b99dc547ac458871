using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>What a unit owes to masters on several threads while software maps, unmaps and uses memory again.</summary>
public class UnitThreadTests
{
    private const int Rounds = 300; // of the first test; the second has fewer, as its threads wait for each other

    private static readonly Iova s_base = new(0x1000_0000);

    public static TheoryData<string, int> All
    {
        get
        {
            var all = new TheoryData<string, int>();
            foreach (var kind in ThreadedUnits.Kinds)
            {
                all.Add(kind, 2);
                all.Add(kind, 4);
            }

            return all;
        }
    }

    /// <summary>63 of 288,304 accesses to mapped pages were refused when two threads worked behind one unit.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void Masters_on_several_threads_are_never_refused_a_live_mapping(string kind, int threads)
    {
        using var unit = ThreadedUnits.New(kind);
        for (var i = 0; i < threads; i++)
            unit.Map(s_base + ((ulong)i * ThreadedUnit.PageSize), ThreadedUnit.Data(i)); // stays; the others come and go beside it
        Together.Run([.. Enumerable.Range(0, threads).Select(i => (Action)(() => Work(unit, i)))]);
        for (var i = 0; i < threads; i++)
            Assert.Equal((ulong)(Rounds * Together.Factor), MemoryMarshal.Read<ulong>(unit.Bytes(i)));
        Assert.NotEqual(0, threads);

        static void Work(ThreadedUnit unit, int master)
        {
            var port = unit.Port(master);
            var stays = s_base + ((ulong)master * ThreadedUnit.PageSize);
            for (ulong round = 1; round <= (ulong)(Rounds * Together.Factor); round++)
            {
                var comes = s_base + ((16 + ((ulong)master * 16) + (round % 16)) * ThreadedUnit.PageSize);
                unit.Map(comes, ThreadedUnit.Data(16 + master));
                Do(port, comes, round, isWrite: true);
                Do(port, stays, round, isWrite: true);
                Assert.Equal(round, Do(port, comes, 0, isWrite: false));
                Assert.Equal(round, MemoryMarshal.Read<ulong>(unit.Bytes(16 + master)));
                Assert.Equal(round, MemoryMarshal.Read<ulong>(unit.Bytes(master)));
                unit.Unmap(comes);
            }
        }
    }

    /// <summary>48 of 90,310 times a master's bytes landed in memory that was unmapped, and used again, before.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void No_byte_of_a_master_lands_after_an_unmap_returned(string kind, int threads)
    {
        using var unit = ThreadedUnits.New(kind);
        unit.Map(s_base + ThreadedUnit.PageSize, ThreadedUnit.Data(15)); // its neighbour keeps the tables where they are
        var (landed, tried, isOver) = (0L, 0L, false);
        Together.Run([Software, .. Enumerable.Range(1, threads - 1).Select(i => (Action)(() => Master(i)))]);
        Assert.NotEqual(0, landed);

        void Software()
        {
            try
            {
                for (var round = 0; round < (threads == 2 ? 100 : 30) * Together.Factor; round++)
                {
                    var page = round % 8;
                    unit.Map(s_base, ThreadedUnit.Data(page));
                    var before = Volatile.Read(ref landed);
                    Together.WaitFor(() => Volatile.Read(ref landed) != before, turns: 64);
                    unit.Unmap(s_base);

                    unit.Bytes(page).Fill(0xAA); // somebody else's now
                    before = Volatile.Read(ref tried);
                    Together.WaitFor(() => Volatile.Read(ref tried) > before + threads, turns: 31);
                    var isClean = !unit.Bytes(page).ContainsAnyExcept((byte)0xAA);
                    Assert.True(isClean, $"round {round}: bytes in memory that was unmapped before");
                }
            }
            finally
            {
                Volatile.Write(ref isOver, true);
            }
        }

        void Master(int master)
        {
            var port = unit.Port(master);
            var bytes = new byte[ThreadedUnit.PageSize];
            bytes.AsSpan().Fill((byte)master);
            while (!Volatile.Read(ref isOver))
            {
                switch (port.Write(s_base, bytes, out _))
                {
                    case DmaStatus.Ok:
                        Interlocked.Increment(ref landed);
                        break;
                    case DmaStatus.Stalled:
                        unit.Release();
                        break;
                }

                Interlocked.Increment(ref tried);
            }
        }
    }

    /// <summary>The same with accesses that take their time, so that none slips through.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void An_unmap_returns_when_every_access_has_ended_that_began_before(string kind, int threads)
    {
        const int rounds = 10;
        using var unit = ThreadedUnits.New(kind);
        unit.Map(s_base + ThreadedUnit.PageSize, ThreadedUnit.Data(15)); // its neighbour keeps the tables where they are
        var state = new SlowState();
        for (var round = 0; round < rounds * Together.Factor; round++)
        {
            unit.Map(s_base, ThreadedUnit.Data(0));
            state.Begin();
            Together.Run([Software, .. Enumerable.Range(1, threads - 1).Select(i => (Action)(() => Master(i)))]);
            Assert.Equal(threads - 1, state.Ended);
        }

        void Software()
        {
            while (state.Inside < threads - 1)
                Thread.Yield();
            unit.Unmap(s_base);
            Assert.Equal(threads - 1, state.Ended);
            state.HasReturned = true;
        }

        void Master(int master)
        {
            var access = new SlowAccess(state);
            var request = new BusRequest(unit.Port(master).Requester, s_base, DmaAccess.Write);
            Assert.Equal(DmaStatus.Ok, unit.Unit.TryAccess(request, ref access));
        }
    }

    /// <summary>One access, made again while software has the unit blocked.</summary>
    private static ulong Do(DmaPort port, Iova address, ulong value, bool isWrite)
    {
        while (true)
        {
            var bytes = MemoryMarshal.AsBytes(new Span<ulong>(ref value));
            var status = isWrite ? port.Write(address, bytes, out _) : port.Read(address, bytes, out _);
            if (status == DmaStatus.Stalled)
                continue;
            Assert.Equal(DmaStatus.Ok, status);
            return value;
        }
    }

    /// <summary>How far accesses are that take their time.</summary>
    private sealed class SlowState
    {
        private int _inside;
        private int _ended;

        public int Inside => Volatile.Read(ref _inside);

        public int Ended => Volatile.Read(ref _ended);

        public bool HasReturned
        {
            get => Volatile.Read(ref field);
            set => Volatile.Write(ref field, value);
        }

        public void Begin() => (_inside, _ended, HasReturned) = (0, 0, false);

        public void Enter() => Interlocked.Increment(ref _inside);

        public void Leave() => Interlocked.Increment(ref _ended);
    }

    /// <summary>An access that goes on until the unmap has returned, or for so long that it would have.</summary>
    private readonly struct SlowAccess(SlowState state) : IBusAccess
    {
        public bool TryInMemory(SystemBus bus, in TranslationResult target)
        {
            state.Enter();
            for (var turn = 0; turn < 100 && !state.HasReturned; turn++)
                Thread.Yield();
            state.Leave();
            return true;
        }

        public bool TryOnBus(SystemBus bus, in TranslationResult target) => false;
    }
}
