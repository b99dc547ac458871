namespace Aperture.Boards.Checking;

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    /// <summary>Worth knowing; nothing is wrong.</summary>
    Info,

    /// <summary>It may work, but hardly as meant.</summary>
    Warning,

    /// <summary>It cannot work.</summary>
    Error,
}
