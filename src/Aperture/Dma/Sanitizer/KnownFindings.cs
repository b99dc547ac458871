namespace Aperture.Dma.Sanitizer;

/// <summary>What a thread says that it knows.</summary>
internal sealed class KnownFindings : IDisposable
{
    [ThreadStatic]
    private static List<KnownFindings>? t_current;

    private readonly FindingKind[] _kinds; // all when empty

    public KnownFindings(ReadOnlySpan<FindingKind> kinds)
    {
        _kinds = [.. kinds];
        (t_current ??= []).Add(this);
    }

    /// <summary>Whether the calling thread has said that it knows.</summary>
    public static bool Has(FindingKind kind) => t_current is { Count: > 0 } current
        && current.Exists(known => known._kinds.Length == 0 || Array.IndexOf(known._kinds, kind) >= 0);

    public void Dispose() => t_current?.Remove(this);
}
