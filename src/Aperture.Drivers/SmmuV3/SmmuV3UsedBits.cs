using Aperture.Datasheets.SmmuV3;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Which bits of an entry the unit looks at, by what the entry holds: the others may be written at any time.</summary>
public static class SmmuV3UsedBits
{
    private const ulong Valid = 1;
    private const ulong Config = 0b1110;
    private const ulong Contexts = 0xF800_0000_0000_0000 | 0x000F_FFFF_FFFF_FFC0 | 0x30; // S1CDMax, S1ContextPtr, S1Fmt
    private const ulong NoSubstream = 0b11;
    private const ulong ContextAttributes = 0xFC;
    private const ulong NeverStalls = 1UL << 27;
    private const ulong Ats = 3UL << 28;
    private const ulong Regime = 3UL << 30;
    private const ulong Shareability = 3UL << 44;
    private const ulong Vmid = 0xFFFF;
    // S2T0SZ to S2PS, S2AA64, S2ENDI, S2PTW, S2HD, S2HA, S2S, S2R
    private const ulong Stage2 = 0x7_FFFFUL << 32 | 1UL << 51 | 1UL << 52 | 0x1FUL << 54;
    private const ulong Table = 0x000F_FFFF_FFFF_FFF0;
    private const ulong ContextValid = 1UL << 31;
    private const ulong LowerOff = 1 << 14;
    private const ulong LowerControl = 0x3FFF;

    /// <summary>Of a stream table entry.</summary>
    public static SmmuV3Words OfStream(SmmuV3Words words)
    {
        var used = default(SmmuV3Words);
        used[0] = Valid;
        var entry = new SmmuV3StreamEntry { Words = words };
        if (!entry.IsValid)
            return used;
        used[0] |= Config;
        var config = (int)words.Get(0, 1, 3);
        if ((config & 1) != 0)
        {
            used[0] |= Contexts;
            used[1] |= NoSubstream | ContextAttributes | NeverStalls | Ats | Regime;
            used[2] |= Vmid;
            if (entry.NoSubstream == SmmuV3NoSubstream.Bypass)
                used[1] |= Shareability;
        }

        if ((config & 2) != 0)
        {
            used[1] |= Ats | Shareability;
            used[2] |= Vmid | Stage2;
            used[3] |= Table;
        }

        if (config == (int)SmmuV3StreamConfig.Bypass)
            used[1] |= Shareability;
        return used;
    }

    /// <summary>Of a context descriptor.</summary>
    public static SmmuV3Words OfContext(SmmuV3Words words)
    {
        var used = default(SmmuV3Words);
        used[0] = ContextValid;
        if ((words[0] & ContextValid) == 0)
            return used;
        for (var i = 0; i < SmmuV3Words.Count; i++)
            used[i] = ulong.MaxValue;
        if ((words[0] & LowerOff) == 0)
            return used;
        used[0] &= ~LowerControl;
        used[1] &= ~Table;
        return used;
    }
}
