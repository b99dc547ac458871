using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>What one thread at a time works on and others hold beside it: its fields share no cache line with the object before it, usually
/// the array through which all threads find it.</summary>
public abstract class LineApart
{
#pragma warning disable IDE0051, CS0169 // nobody reads it: it is there for its size. The fields of a derived class come behind it
    private Lines _lines;
#pragma warning restore IDE0051, CS0169

    /// <summary>Two lines: processors fetch them in pairs.</summary>
    [InlineArray(16)]
    private struct Lines
    {
        private long _first;
    }
}
