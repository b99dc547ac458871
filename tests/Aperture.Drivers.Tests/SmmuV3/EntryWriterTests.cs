using Aperture.Datasheets.SmmuV3;
using Aperture.Drivers.SmmuV3;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>Entries that change while the unit reads them. The unit may see each word at any moment: whatever it holds between two stores
/// and after each sync is the old entry or the new one, by the bits that it looks at, or invalid.</summary>
public sealed class EntryWriterTests
{
    private const ulong Contexts = 0x1_2345_6000;
    private const ulong OtherContexts = 0x4B_4B4B_4B40;
    private const ulong Valid = 1;
    private const ulong ContextValid = 1UL << 31;

    [Theory]
    [InlineData("bypass", "abort", true, 2)]
    [InlineData("abort", "bypass", true, 2)]
    [InlineData("s1", "abort", true, 2)]
    [InlineData("abort", "s1", true, 2)]
    [InlineData("s1", "bypass", true, 3)]
    [InlineData("bypass", "s1", true, 3)]
    [InlineData("s1", "s1-dss-bypass", true, 1)]
    [InlineData("s1-dss-bypass", "s1", true, 1)]
    [InlineData("s1-dss-bypass", "bypass", true, 2)]
    [InlineData("bypass", "s1-dss-bypass", true, 2)]
    [InlineData("s2", "abort", true, 2)]
    [InlineData("abort", "s2", true, 2)]
    [InlineData("s2", "bypass", true, 2)]
    [InlineData("bypass", "s2", true, 2)]
    [InlineData("s1", "s2", true, 3)]
    [InlineData("s2", "s1", true, 3)]
    [InlineData("s1-stall", "s2-stall", true, 3)]
    [InlineData("s2-stall", "s1-stall", true, 3)]
    [InlineData("s1", "s1-other", true, 1)]
    [InlineData("s1", "s1-other-dss-bypass", false, 3)]
    [InlineData("s1-other-dss-bypass", "s1", false, 3)]
    [InlineData("none", "s1", false, 2)]
    [InlineData("none", "s2", false, 2)]
    [InlineData("s1", "s1", true, 0)]
    public void A_stream_is_never_seen_half_changed(string from, string to, bool isHitless, int syncs) =>
        Check(Stream(from), Stream(to), SmmuV3UsedBits.OfStream, Valid, isHitless, syncs);

    [Theory]
    [InlineData("s1", "none", false, 2)]
    [InlineData("none", "s1", false, 2)]
    [InlineData("s1", "s1-asid", true, 1)]
    [InlineData("s1-asid", "s1", true, 1)]
    [InlineData("sva", "none", false, 2)]
    [InlineData("none", "sva", false, 2)]
    [InlineData("sva", "released", true, 2)]
    [InlineData("released", "sva", true, 2)]
    [InlineData("s1", "sva", false, 3)]
    public void A_context_is_never_seen_half_changed(string from, string to, bool isHitless, int syncs) =>
        Check(Context(from), Context(to), SmmuV3UsedBits.OfContext, ContextValid, isHitless, syncs);

    [Fact]
    public void Any_two_streams_and_contexts()
    {
        string[] streams =
            ["none", "abort", "bypass", "s1", "s1-stall", "s1-other", "s1-dss-bypass", "s1-other-dss-bypass", "s2", "s2-stall"];
        foreach (var from in streams)
        {
            foreach (var to in streams)
                Run(Stream(from), Stream(to), SmmuV3UsedBits.OfStream, Valid);
        }

        string[] contexts = ["none", "s1", "s1-asid", "sva", "released"];
        foreach (var from in contexts)
        {
            foreach (var to in contexts)
                Run(Context(from), Context(to), SmmuV3UsedBits.OfContext, ContextValid);
        }
    }

    /// <summary>Entries of random bits that count.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Random_entries(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 1_000; round++)
        {
            Run(Some(random, isStream: true), Some(random, isStream: true), SmmuV3UsedBits.OfStream, Valid);
            Run(Some(random, isStream: false), Some(random, isStream: false), SmmuV3UsedBits.OfContext, ContextValid);
        }
    }

    private static void Check(
        SmmuV3Words from, SmmuV3Words to, Func<SmmuV3Words, SmmuV3Words> used, ulong valid, bool isHitless, int syncs)
    {
        var entry = Run(from, to, used, valid);
        Assert.Equal(syncs, entry.Syncs);
        Assert.Equal(isHitless, !entry.WasZero);
    }

    private static Watched Run(SmmuV3Words from, SmmuV3Words to, Func<SmmuV3Words, SmmuV3Words> used, ulong valid)
    {
        var entry = new Watched(from, to, used, valid);
        var syncs = SmmuV3EntryWriter.Write(ref entry, to, used);
        Assert.Equal(entry.Syncs, syncs);
        Assert.Equal(to, entry.Words);
        Assert.True(entry.IsSynced);
        return entry;
    }

    private static SmmuV3Words Some(Random random, bool isStream)
    {
        var words = default(SmmuV3Words);
        for (var i = 0; i < SmmuV3Words.Count; i++)
            words[i] = (ulong)random.NextInt64() & (ulong)random.NextInt64();
        if (random.Next(4) != 0)
            words[0] |= isStream ? Valid : ContextValid;
        if (isStream)
            words.Set(0, 1, 3, (ulong)random.Next(8));
        var used = isStream ? SmmuV3UsedBits.OfStream(words) : SmmuV3UsedBits.OfContext(words);
        for (var i = 0; i < SmmuV3Words.Count; i++)
            words[i] &= used[i];
        return words;
    }

    private static SmmuV3Words Stream(string name)
    {
        var entry = new SmmuV3StreamEntry { IsValid = name != "none" };
        if (name.StartsWith("s1", StringComparison.Ordinal))
        {
            entry.Config = SmmuV3StreamConfig.Stage1;
            entry.Contexts = name.Contains("other", StringComparison.Ordinal) ? OtherContexts : Contexts;
            entry.SubstreamBits = 10;
            entry.ContextFormat = 2;
            entry.ContextAttributes = 0x35;
            entry.NeverStalls = !name.Contains("stall", StringComparison.Ordinal);
            var passes = name.Contains("dss-bypass", StringComparison.Ordinal);
            entry.NoSubstream = passes ? SmmuV3NoSubstream.Bypass : SmmuV3NoSubstream.UseFirst;
            entry.Shareability = passes ? 1u : 0;
            entry.Ats = 1;
        }
        else if (name.StartsWith("s2", StringComparison.Ordinal))
        {
            entry.Config = SmmuV3StreamConfig.Stage2;
            entry.Shareability = 1;
            entry.Ats = 1;
            entry.Vmid = 0;
            entry.Stage2Control = 1u << 16 | 2u << 14 | 3u << 12 | 1u << 10 | 2u << 8 | 3u << 6 | 4;
            entry.IsStage2In64 = true;
            entry.ProtectsTableWalks = true;
            entry.RecordsStage2 = true;
            entry.StallsStage2 = name == "s2-stall";
            entry.Stage2Table = 0xDAED_BEEF_DEAD_BEEF;
        }
        else if (name == "bypass")
        {
            entry.Config = SmmuV3StreamConfig.Bypass;
            entry.Shareability = 1;
        }

        return entry.Words;
    }

    private static SmmuV3Words Context(string name)
    {
        var context = default(SmmuV3ContextDescriptor);
        if (name == "none")
            return context.Words;
        context.IsValid = true;
        context.IsIn64 = true;
        context.Aborts = true;
        context.IsOwnAsid = name.StartsWith("s1", StringComparison.Ordinal);
        context.Asid = name switch { "s1" => 0x1D, "s1-asid" => 0x1E, _ => 0x200 };
        context.OutputSize = 5;
        context.SetOff(1, true);
        context.MemoryAttributes = 0xF404_FF44;
        if (name == "released")
        {
            context.SetOff(0, true);
            return context.Words;
        }

        context.Records = true;
        context.SetControl(0, name == "sva" ? 25 : 16, 0, 1, 1, 3);
        context.SetTable(0, name == "sva" ? 0xABC_D000u : 0x1234_5000);
        return context.Words;
    }

    /// <summary>An entry of which the unit may read anything at any time: after each store each word may be the one before or the one now,
    /// as long as there was no sync in between.</summary>
    private sealed class Watched : ISmmuV3Entry
    {
        private readonly SmmuV3Words _from;
        private readonly SmmuV3Words _to;
        private readonly Func<SmmuV3Words, SmmuV3Words> _used;
        private readonly ulong _valid;
        private SmmuV3Words _words;
        private SmmuV3Words _synced; // what the unit may have read at the earliest

        public Watched(SmmuV3Words from, SmmuV3Words to, Func<SmmuV3Words, SmmuV3Words> used, ulong valid) =>
            (_from, _to, _used, _valid, _words, _synced) = (from, to, used, valid, from, from);

        public int Syncs { get; private set; }

        public bool WasZero { get; private set; }

        public bool IsSynced => _words == _synced;

        public SmmuV3Words Words => _words;

        public ulong Load(int word) => _words[word];

        public void Store(int word, ulong value)
        {
            _words[word] = value;
            WasZero |= _words[0] == 0;

            // Every mixture of what was there at the last sync and of what is there now.
            for (var mixture = 0; mixture < 1 << SmmuV3Words.Count; mixture++)
            {
                var seen = _synced;
                for (var i = 0; i < SmmuV3Words.Count; i++)
                    seen[i] = (mixture >> i & 1) != 0 ? _words[i] : _synced[i];
                Judge(seen);
            }
        }

        public void Sync()
        {
            Syncs++;
            _synced = _words;
            Judge(_words);
        }

        private void Judge(SmmuV3Words seen)
        {
            if ((seen[0] & _valid) == 0)
                return;
            var looked = _used(seen);
            Assert.True(IsLike(seen, _from, looked) || IsLike(seen, _to, looked), "the unit sees an entry that is neither");
        }

        private static bool IsLike(SmmuV3Words seen, SmmuV3Words entry, SmmuV3Words used)
        {
            for (var i = 0; i < SmmuV3Words.Count; i++)
            {
                if (((seen[i] ^ entry[i]) & used[i]) != 0)
                    return false;
            }

            return true;
        }
    }
}
