using Aperture.Datasheets.SmmuV3;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Changes an entry of eight words that is in use. The unit may read each word at any moment, and keeps what it read until it is
/// told: it sees the entry as it was or as it will be, never something else that translates.</summary>
/// <remarks>First go the words that the unit does not look at now, then the one in which both entries differ, then what nobody looks at any
/// more. Where they differ in more than one word the entry is invalid in between.</remarks>
public static class SmmuV3EntryWriter
{
    /// <summary>Changes an entry.</summary>
    /// <typeparam name="TEntry">What is written to.</typeparam>
    /// <param name="entry">What is written to.</param>
    /// <param name="target">What it holds afterwards; no bit outside of what is used of it may be set.</param>
    /// <param name="used">Which bits of an entry the unit looks at.</param>
    /// <returns>How often <see cref="ISmmuV3Entry.Sync"/> was called.</returns>
    public static int Write<TEntry>(ref TEntry entry, in SmmuV3Words target, Func<SmmuV3Words, SmmuV3Words> used)
        where TEntry : ISmmuV3Entry
    {
        ArgumentNullException.ThrowIfNull(used);
        var now = default(SmmuV3Words);
        for (var i = 0; i < SmmuV3Words.Count; i++)
            now[i] = entry.Load(i);
        var between = Between(now, target, used(now));
        var differing = Differing(between, target, used(target), out var word);
        var syncs = 0;
        if (differing == 1)
        {
            between[word] = now[word];
            syncs += Set(ref entry, ref now, between, 0, SmmuV3Words.Count);
            syncs += Set(ref entry, ref now, target, word, 1);
        }
        else if (differing > 1)
        {
            syncs += Set(ref entry, ref now, default, 0, 1);
            syncs += Set(ref entry, ref now, target, 1, SmmuV3Words.Count - 1);
            return syncs + Set(ref entry, ref now, target, 0, 1);
        }

        return syncs + Set(ref entry, ref now, target, 0, SmmuV3Words.Count);
    }

    /// <summary>The entry with the new values of all bits that nobody looks at yet.</summary>
    private static SmmuV3Words Between(in SmmuV3Words now, in SmmuV3Words target, in SmmuV3Words used)
    {
        var between = default(SmmuV3Words);
        for (var i = 0; i < SmmuV3Words.Count; i++)
            between[i] = (now[i] & used[i]) | (target[i] & ~used[i]);
        return between;
    }

    private static int Differing(in SmmuV3Words between, in SmmuV3Words target, in SmmuV3Words used, out int word)
    {
        word = -1;
        var count = 0;
        for (var i = 0; i < SmmuV3Words.Count; i++)
        {
            if ((between[i] & used[i]) == target[i])
                continue;
            count++;
            word = i;
        }

        return count;
    }

    private static int Set<TEntry>(ref TEntry entry, ref SmmuV3Words now, in SmmuV3Words values, int first, int count)
        where TEntry : ISmmuV3Entry
    {
        var changes = false;
        for (var i = first; i < first + count; i++)
        {
            if (now[i] == values[i])
                continue;
            entry.Store(i, values[i]);
            now[i] = values[i];
            changes = true;
        }

        if (!changes)
            return 0;
        entry.Sync();
        return 1;
    }
}
