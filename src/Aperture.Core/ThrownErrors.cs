using System.Runtime.ExceptionServices;

namespace Aperture.Core;

/// <summary>What was thrown by several who had to be called whatever one of them throws.</summary>
/// <remarks>A value that is used where it lies; a default one holds nothing.</remarks>
public struct ThrownErrors
{
    private ExceptionDispatchInfo? _first;
    private List<Exception>? _all; // null while there is one at most

    /// <summary>Whether there is anything to throw.</summary>
    public readonly bool Any => _first is not null;

    /// <summary>Keeps an exception until all were called.</summary>
    public void Add(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (_first is null)
            _first = ExceptionDispatchInfo.Capture(error);
        else
            (_all ??= [_first.SourceException]).Add(error);
    }

    /// <summary>Throws what was kept: the only one as it was, several as one <see cref="AggregateException"/>; nothing happens where none
    /// was.</summary>
    public readonly void Throw()
    {
        if (_all is not null)
            throw new AggregateException(_all);
        _first?.Throw();
    }
}
