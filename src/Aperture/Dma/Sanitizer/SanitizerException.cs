namespace Aperture.Dma.Sanitizer;

/// <summary>There are findings; the message lists them.</summary>
public sealed class SanitizerException : Exception
{
    /// <summary>An exception without findings.</summary>
    public SanitizerException()
    {
    }

    /// <summary>An exception with a message of its own.</summary>
    public SanitizerException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with a message of its own and a cause.</summary>
    public SanitizerException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal SanitizerException(IReadOnlyList<DmaFinding> findings, string message)
        : base(message) => Findings = findings;

    /// <summary>The findings.</summary>
    public IReadOnlyList<DmaFinding> Findings { get; } = [];
}
