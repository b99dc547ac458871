using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>Who makes an access.</summary>
/// <param name="Stream">Which master it is.</param>
/// <param name="Pasid">Which of the master's address spaces it means; null for the one that it has without any.</param>
/// <param name="Flags">Privilege, security, and whether it is instructions or a debugger.</param>
public readonly record struct Requester(StreamId Stream, Pasid? Pasid = null, AccessFlags Flags = AccessFlags.None);
