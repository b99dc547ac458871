using System.Diagnostics;
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

    /// <summary>The innermost place on the stack that is not in this library, as far as symbols tell. Dear: for findings only.</summary>
    internal static CallSite OfDriver()
    {
        var own = typeof(CallSite).Assembly.FullName;
        foreach (var frame in new StackTrace(1, true).GetFrames())
        {
            if (DiagnosticMethodInfo.Create(frame)?.DeclaringAssemblyName == own)
                continue;
            return new CallSite(frame.GetFileName() ?? "", frame.GetFileLineNumber());
        }

        return default;
    }
}
