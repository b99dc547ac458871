namespace Aperture.Core.Threading;

/// <summary>Decides what becomes of a bias after another thread had to take it away: worth while is only a bias whose owner came in so
/// often meanwhile that what it saved pays for the process-wide barrier.</summary>
internal struct BiasCredit
{
    /// <summary>How often at most a bias is taken away that did not pay for it.</summary>
    public const int Most = 16;

    private const uint Worth = 128; // what a barrier costs, in entries without an interlocked step

    private uint _spent; // credit spent, up to Most
    private uint _seen;  // the owner's entries when it was asked last

    /// <summary>Who is the owner from now on.</summary>
    /// <param name="asked">Whose bias was taken away, or <see cref="BiasOwner.Nobody"/>.</param>
    /// <param name="thread">Who took it.</param>
    public BiasOwner Next(BiasOwner asked, ThreadRecord thread)
    {
        if (asked == BiasOwner.Nobody)
            return Begin(thread);
        var entries = asked.Entries - _seen;
        if (entries >= Worth)
        {
            // A guest. Its owner does not even notice.
            _seen = asked.Entries;
            _spent -= Math.Min(_spent, entries / Worth - 1);
            return asked;
        }

        return ++_spent < Most ? Begin(thread) : BiasOwner.Everybody;
    }

    private BiasOwner Begin(ThreadRecord thread)
    {
        _seen = 0;
        return new BiasOwner(thread);
    }
}
