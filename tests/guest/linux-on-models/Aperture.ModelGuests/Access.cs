using Aperture.Hardware.Translation;

namespace Aperture.ModelGuests;

/// <summary>An access of the disk that did not go through.</summary>
/// <param name="Address">Where.</param>
/// <param name="IsWrite">Whether it was a write.</param>
/// <param name="Status">Whether it was refused, or is held back.</param>
internal sealed record Access(ulong Address, bool IsWrite, DmaStatus Status);
