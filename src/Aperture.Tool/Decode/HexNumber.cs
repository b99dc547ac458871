using System.Globalization;

namespace Aperture.Tool.Decode;

/// <summary>Numbers as files and command lines have them.</summary>
internal static class HexNumber
{
    /// <summary>Reads a number of base 16, with 0x before it or without.</summary>
    public static bool TryParse(string? text, out ulong number)
    {
        var digits = text?.StartsWith("0x", StringComparison.OrdinalIgnoreCase) == true ? text[2..] : text;
        return ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number);
    }
}
