using System.Runtime.CompilerServices;

namespace Aperture.Dma.Sanitizer;

/// <summary>Where the ends of <c>using</c>s stand, for which the compiler tells no line: found on the stack once for each map and depth of
/// the stack, and remembered, because that is dear. Where symbols do not tell it, it is where the <c>using</c> begins.</summary>
internal static class UsingSites
{
    private const int Capacity = 4096;

    private static readonly Lock Adding = new();
    private static Dictionary<Key, CallSite> s_known = []; // replaced whole: readers take no lock

    /// <summary>The place that ends a mapping.</summary>
    /// <param name="made">Where it was made.</param>
    public static unsafe CallSite Of(CallSite made)
    {
        var local = 0;
        return TryFind(made, (nint)(&local), out var file, out var line) ? new CallSite(file, line) : Learn(made, (nint)(&local));
    }

    /// <summary>The place that ends a mapping, if it is known.</summary>
    /// <param name="made">Where it was made.</param>
    /// <param name="depth">Where the caller is on the stack.</param>
    /// <param name="file">Where it ends.</param>
    /// <param name="line">The line there.</param>
    public static bool TryFind(CallSite made, nint depth, out string file, out int line)
    {
        var isKnown = Volatile.Read(ref s_known).TryGetValue(new Key(made.File, made.Line, depth), out var known);
        (file, line) = (known.File ?? "", known.Line);
        return isKnown;
    }

    /// <summary>Looks for the place that ends a mapping on the stack, and remembers it.</summary>
    /// <param name="made">Where it was made.</param>
    /// <param name="depth">Where the caller is on the stack.</param>
    public static CallSite Learn(CallSite made, nint depth)
    {
        var key = new Key(made.File, made.Line, depth);
        var site = CallSite.OfDriver();
        // The end of a using has no place of its own in the symbols: what they tell is the beginning of the method, or nothing.
        if (!site.IsKnown || (site.File == made.File && site.Line < made.Line))
            site = made;
        lock (Adding)
        {
            if (s_known.Count < Capacity)
                Volatile.Write(ref s_known, new Dictionary<Key, CallSite>(s_known) { [key] = site });
        }

        return site;
    }

    /// <summary>Names of files are literals: the same place has the same string.</summary>
    private readonly struct Key(string file, int line, nint depth) : IEquatable<Key>
    {
        private readonly string _file = file;
        private readonly int _line = line;
        private readonly nint _depth = depth;

        public bool Equals(Key other) => ReferenceEquals(_file, other._file) && _line == other._line && _depth == other._depth;

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => HashCode.Combine(RuntimeHelpers.GetHashCode(_file), _line, _depth);
    }
}
