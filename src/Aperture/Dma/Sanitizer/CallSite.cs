using System.Globalization;

namespace Aperture.Dma.Sanitizer;

/// <summary>A place in a driver's source.</summary>
/// <param name="File">The file, as the compiler saw it; empty where the language tells none, as for the end of a <c>using</c>.</param>
/// <param name="Line">The line, from 1; 0 where the file is empty.</param>
public readonly record struct CallSite(string File, int Line)
{
    /// <summary>Whether the place is known.</summary>
    public bool IsKnown => !string.IsNullOrEmpty(File);

    /// <summary>The file's name and the line.</summary>
    public override string ToString() => IsKnown
        ? string.Create(CultureInfo.InvariantCulture, $"{File[(File.LastIndexOfAny(['/', '\\']) + 1)..]}:{Line}")
        : "the end of a using, or an unknown place";
}
