using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <content>Parts of entries that translate differently, or whose neighbours another entry may hold: pages of the smallest size that are
/// found quickly although only the owner knows what the entry as a whole means.</content>
public sealed unsafe partial class TranslationCache
{
    /// <summary>Parts that an entry may have at once: one for each page number modulo this.</summary>
    public const int PartsOfEntry = 4;

    private readonly byte[]? _parts; // by entry: which parts it has, a bit each

    /// <summary>Makes a page of an entry that is not whole one that
    /// <see cref="TryFind(uint, Iova, out TranslationResult, out ulong, out int)"/> finds, until the entry is changed or overlapped.
    /// Nothing happens while it overlaps another. Only in a cache that was made to have parts.</summary>
    /// <param name="index">The entry, which holds the page.</param>
    /// <param name="tag">The number of the tag by which it was found.</param>
    /// <param name="page">The page, of 4 KiB.</param>
    public void SetPart(int index, uint tag, in TlbPage page)
    {
        CheckGuard();
        ref var whole = ref Table[index];
        if (_parts is not { } parts || whole.Overlaps != 0 || !whole.IsValid)
            return;
        var number = (int)(page.Page.Value >> SmallestShift) % PartsOfEntry;
        var part = Entries + (index * PartsOfEntry) + number;
        ref var entry = ref Table[part];
        var state = entry.BeginWrite();
        entry.Page = page.Page.Value & SmallestMask;
        entry.Mask = SmallestMask;
        entry.Base = page.Target.Value & SmallestMask;
        entry.Info = page.Info;
        entry.More = page.More;
        entry.Tag = whole.Tag;
        entry.TagMask = whole.TagMask;
        entry.Protection = page.Protection;
        entry.Attributes = page.Attributes;
        entry.EndWrite(state, isWhole: true, overlaps: 0);
        parts[index] |= (byte)(1 << number);
        Hint(tag, page.Page, part);
    }

    /// <summary>The entry that a number means: its own, or that of one of its parts.</summary>
    private int WholeOf(int index) => index < Entries ? index : (index - Entries) / PartsOfEntry;

    private void DropParts(int index)
    {
        if (_parts is not { } parts || parts[index] == 0)
            return;
        for (var number = 0; number < PartsOfEntry; number++)
        {
            if ((parts[index] >> number & 1) != 0)
                Table[Entries + (index * PartsOfEntry) + number].Clear();
        }

        parts[index] = 0;
    }
}
