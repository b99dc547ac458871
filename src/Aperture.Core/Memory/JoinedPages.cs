namespace Aperture.Core.Memory;

/// <summary>Pages of a machine's RAM that lie apart and that the CPU sees as one piece as well.</summary>
/// <remarks>Thread-safe. Views are rare and cost the host mappings: two for each piece.</remarks>
public sealed unsafe class JoinedPages
{
    private readonly Lock _lock = new(); // guards everything here
    private readonly Dictionary<nint, HostView> _views = []; // by their first byte
    private readonly List<HostView> _old = [];               // split; their addresses are given to nobody else
    private bool _isClosed;                                  // the RAM is gone

    internal JoinedPages()
    {
    }

    /// <summary>Joins pages. What they held is lost: they read as zero.</summary>
    /// <param name="pieces">Where the CPU finds each piece, and its bytes: whole pages of RAM that nobody uses.</param>
    /// <param name="view">Where the CPU finds them one behind the other.</param>
    /// <returns>False where the host cannot: it is no Linux, or has other pages than 4 KiB.</returns>
    public bool TryJoin(ReadOnlySpan<(nint Start, nuint Length)> pieces, out byte* view)
    {
        view = null;
        lock (_lock)
        {
            if (_isClosed || HostView.TryCreate(pieces.ToArray()) is not { } made)
                return false;
            view = (byte*)made.DangerousGetHandle();
            _views.Add((nint)view, made);
            return true;
        }
    }

    /// <summary>Ends a view. The pages read as zero.</summary>
    /// <param name="view">What <see cref="TryJoin"/> gave.</param>
    public void Split(byte* view)
    {
        lock (_lock)
        {
            if (!_views.Remove((nint)view, out var old))
                return; // went with the RAM
            old.Split();
            _old.Add(old);
        }
    }

    internal void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (var view in _views.Values)
                view.Retire();
            _old.AddRange(_views.Values);
            _views.Clear();
        }
    }
}
