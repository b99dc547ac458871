namespace Aperture.Datasheets.DmaMaster;

/// <summary>What COMMAND takes.</summary>
public enum DmaMasterCommand : uint
{
    /// <summary>Nothing; writing it is a bad command.</summary>
    None = 0,

    /// <summary>Reads the source and keeps a checksum.</summary>
    Read = 1,

    /// <summary>Writes the pattern to the destination.</summary>
    Fill = 2,

    /// <summary>Copies the source to the destination.</summary>
    Copy = 3,

    /// <summary>Reads the source and compares it with the pattern.</summary>
    Verify = 4,
}
