namespace Aperture.Acpi;

/// <summary>Where the nodes of a table say of what type they are and how long.</summary>
/// <param name="TypeBytes">Size of the type, at the beginning.</param>
/// <param name="LengthOffset">Where the length is.</param>
/// <param name="LengthBytes">Its size.</param>
public readonly record struct AcpiNodeForm(int TypeBytes, int LengthOffset, int LengthBytes)
{
    /// <summary>Bytes up to the end of the length.</summary>
    public int HeaderBytes => Math.Max(TypeBytes, LengthOffset + LengthBytes);
}
