namespace Aperture.Datasheets.Exynos;

/// <summary>What a leaf descriptor permits. The numbers are those of the version 5 descriptors.</summary>
[Flags]
public enum SysMmuAccess
{
    /// <summary>Nothing: a translation exists, and no access may use it.</summary>
    None = 0,

    /// <summary>Reads.</summary>
    Read = 1,

    /// <summary>Writes.</summary>
    Write = 2,

    /// <summary>Both.</summary>
    ReadWrite = Read | Write,
}
