namespace Aperture.Tool.Check;

/// <summary>How findings are printed.</summary>
internal enum CheckForm
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object.</summary>
    Json,

    /// <summary>A SARIF log.</summary>
    Sarif,
}
