namespace Aperture.Hardware.Translation;

/// <summary>The direction of a bus access. An instruction fetch is a read whose requester says
/// <see cref="AccessFlags.Instruction"/>.</summary>
public enum DmaAccess : byte
{
    /// <summary>The master reads memory.</summary>
    Read,

    /// <summary>The master writes memory.</summary>
    Write,
}
