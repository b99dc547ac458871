namespace Aperture.Core.Addresses;

/// <summary>A range of device addresses.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
public readonly record struct IovaRange(Iova First, Iova Last)
{
    /// <summary>Whether [<paramref name="start"/>, +<paramref name="size"/>) lies inside.</summary>
    public bool Contains(Iova start, ulong size) =>
        start.Value >= First.Value && start.Value <= Last.Value && size - 1 <= Last.Value - start.Value;

    /// <summary>What two lists of ranges have in common.</summary>
    public static IEnumerable<IovaRange> Intersect(IEnumerable<IovaRange> left, IReadOnlyCollection<IovaRange> right)
    {
        foreach (var one in left)
        {
            foreach (var other in right)
            {
                var first = Math.Max(one.First.Value, other.First.Value);
                var last = Math.Min(one.Last.Value, other.Last.Value);
                if (first <= last)
                    yield return new IovaRange(new Iova(first), new Iova(last));
            }
        }
    }

    /// <summary>The range as <c>[0xfirst, 0xlast]</c>.</summary>
    public override string ToString() => $"[{First}, {Last}]";
}
