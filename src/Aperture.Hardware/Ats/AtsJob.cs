using Aperture.Core;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Ats;

/// <summary>A channel's job as it was when a step of it began: a reset, and what software writes afterwards, does not change the step that
/// is under way.</summary>
/// <param name="Number">The number of the job.</param>
/// <param name="Command">What is done.</param>
/// <param name="Address">The first device address.</param>
/// <param name="Length">How many bytes.</param>
/// <param name="Pasid">The process; null for none.</param>
/// <param name="Offset">Where the bytes are in the buffer.</param>
/// <param name="Moved">Bytes that were moved.</param>
internal readonly record struct AtsJob(
    uint Number, AtsEndpointCommand Command, ulong Address, uint Length, Pasid? Pasid, uint Offset, uint Moved)
{
    /// <summary>What memory is accessed for.</summary>
    public DmaAccess Direction => Command == AtsEndpointCommand.Write ? DmaAccess.Write : DmaAccess.Read;
}
