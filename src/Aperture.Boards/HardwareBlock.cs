using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Boards;

/// <summary>Registers and where they are.</summary>
/// <param name="Address">The first byte.</param>
/// <param name="Device">The block.</param>
public sealed record HardwareBlock(PhysicalAddress Address, IMmioDevice Device);
