namespace Aperture.Core;

/// <summary>A failure at the edge of the API. The message names the thing and the value; <see cref="Status"/> is for code.</summary>
public class ApertureException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="status">The kind of failure; never <see cref="Core.Status.Ok"/>.</param>
    /// <param name="message">One line that names the thing and the value.</param>
    /// <param name="inner">What caused it, if anything did.</param>
    public ApertureException(Status status, string message, Exception? inner = null)
        : base(message, inner) => Status = status;

    /// <summary>The kind of failure.</summary>
    public Status Status { get; }
}
