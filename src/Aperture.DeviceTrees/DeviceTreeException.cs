using Aperture.Core;

namespace Aperture.DeviceTrees;

/// <summary>A device tree blob is not one: the message names the offset in bytes and what is wrong there.</summary>
public sealed class DeviceTreeException : ApertureException
{
    /// <summary>Makes the exception; its status is <see cref="Status.InvalidArgument"/>.</summary>
    /// <param name="message">One line that names the offset and what is wrong.</param>
    public DeviceTreeException(string message)
        : base(Status.InvalidArgument, message)
    {
    }
}
