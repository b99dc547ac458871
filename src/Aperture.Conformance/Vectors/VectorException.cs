using Aperture.Core;

namespace Aperture.Conformance.Vectors;

/// <summary>A vector file that cannot be read or does not follow the format. The message is one line and names file and line.</summary>
public sealed class VectorException : ApertureException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="path">The file.</param>
    /// <param name="line">The line, counted from 1; 0 when the whole file is meant.</param>
    /// <param name="problem">What is wrong.</param>
    public VectorException(string path, int line, string problem)
        : base(Status.InvalidArgument, line == 0 ? $"{path}: {problem}" : $"{path}:{line}: {problem}")
    {
    }
}
