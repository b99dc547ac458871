namespace Aperture.Core.Addresses;

/// <summary>64 equal parts of a space of device addresses, and what is free in each of them.</summary>
/// <param name="level">A part has 64^level pages.</param>
internal abstract class IovaNode(int level)
{
    /// <summary>What the parts have free.</summary>
    protected IovaOrders Orders;

    /// <summary>A part has 64^level pages.</summary>
    public int Level { get; } = level;

    /// <summary>The number of pages in a part is 2 to the power of this.</summary>
    public int Shift => 6 * Level;

    /// <summary>The value of a part that is free as a whole.</summary>
    public byte Whole => (byte)(Shift + 1);

    /// <summary>One more than the order of the largest free block; zero for none.</summary>
    public byte Largest { get; private set; }

    /// <summary>What a part has free.</summary>
    public byte this[int part] => Orders[part];

    /// <summary>The parts, as a mask, that have at least so much free.</summary>
    public ulong AtLeast(int value) => Orders.AtLeast(value);

    /// <summary>Takes or frees pages of one part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="from">The first page, from the start of the part.</param>
    /// <param name="to">The page after the last.</param>
    /// <param name="isTaken">What they are from now on.</param>
    /// <returns>The number of pages that changed.</returns>
    public abstract ulong Mark(int part, ulong from, ulong to, bool isTaken);

    /// <summary>Whether pages of one part are free, all of them.</summary>
    public abstract bool IsFree(int part, ulong from, ulong to);

    /// <summary>Takes or frees pages.</summary>
    /// <inheritdoc cref="Mark(int, ulong, ulong, bool)"/>
    public ulong Mark(ulong from, ulong to, bool isTaken)
    {
        var size = 1UL << Shift;
        ulong changed = 0;
        while (from < to)
        {
            var offset = from & (size - 1);
            var end = Math.Min(size, offset + (to - from));
            changed += Mark((int)(from >> Shift), offset, end, isTaken);
            from += end - offset;
        }

        Largest = Orders.Together(Whole);
        return changed;
    }

    /// <summary>Whether pages are free, all of them.</summary>
    public bool IsFree(ulong from, ulong to)
    {
        var size = 1UL << Shift;
        while (from < to)
        {
            var offset = from & (size - 1);
            var end = Math.Min(size, offset + (to - from));
            if (!IsFree((int)(from >> Shift), offset, end))
                return false;
            from += end - offset;
        }

        return true;
    }

    /// <summary>Makes all of it free, or taken.</summary>
    public virtual void Fill(bool isTaken)
    {
        Orders.Fill(isTaken ? (byte)0 : Whole);
        Largest = Orders.Together(Whole);
    }
}
