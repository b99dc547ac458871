using Aperture.Core;

namespace Aperture.Acpi;

/// <summary>An ACPI table cannot be read: the message names the table, the offset in bytes and what is wrong there.</summary>
public sealed class AcpiException : ApertureException
{
    /// <summary>Makes the exception; its status is <see cref="Status.InvalidArgument"/>.</summary>
    /// <param name="message">One line that names the table, the offset and what is wrong.</param>
    public AcpiException(string message)
        : base(Status.InvalidArgument, message)
    {
    }
}
