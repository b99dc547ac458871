namespace Aperture.Boards.Tests;

/// <summary>A test of what only a Linux host says of a process; skipped elsewhere.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "The resident memory of a process is read from /proc, which this system does not have.";
    }
}
