using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.AtsEndpoint;

namespace Aperture.Hardware.Ats;

/// <summary>What a channel is at.</summary>
internal enum AtsChannelState
{
    /// <summary>It has no job.</summary>
    Idle,

    /// <summary>Its job can go on.</summary>
    Ready,

    /// <summary>Its job goes on.</summary>
    Runs,

    /// <summary>Its job waits for the answer to page requests, or for room to make some.</summary>
    Waits,
}

/// <summary>A channel of an ATS endpoint: its registers and its job. Guarded by the engine's lock.</summary>
internal sealed class AtsChannel(AtsEngine engine) : IGateEvent
{
    /// <summary>The device address.</summary>
    public ulong Address { get; set; }

    /// <summary>How many bytes.</summary>
    public uint Length { get; set; }

    /// <summary>The process, as the register has it.</summary>
    public uint Process { get; set; }

    /// <summary>Where the bytes are in the buffer.</summary>
    public uint Offset { get; set; }

    /// <summary>What is done.</summary>
    public AtsEndpointCommand Command { get; set; }

    /// <summary>How it ended.</summary>
    public AtsEndpointResult Result { get; set; }

    /// <summary>Bytes that were moved.</summary>
    public uint Moved { get; set; }

    /// <summary>What it is at.</summary>
    public AtsChannelState State { get; set; }

    /// <summary>Whether a thread is at its job, which sees for itself when it can go on.</summary>
    public bool HasRunner { get; set; }

    /// <summary>The number of its job: one that was reset meanwhile is another.</summary>
    public uint Job { get; set; }

    /// <summary>The group whose answer it waits for; null for none.</summary>
    public uint? Group { get; set; }

    /// <summary>Page requests of the group.</summary>
    public uint Requests { get; set; }

    /// <summary>Groups for the page that it is at.</summary>
    public int Tries { get; set; }

    /// <summary>How the job ends by an answer; null where it goes on.</summary>
    public AtsEndpointResult? Verdict { get; set; }

    /// <summary>The process; null for none.</summary>
    public Pasid? Pasid => (Process & AtsEndpointRegisters.HasProcess) != 0 ? new Pasid(Process & Core.Pasid.Largest) : null;

    /// <summary>The job as it is now.</summary>
    public AtsJob Take() => new(Job, Command, Address, Length, Pasid, Offset, Moved);

    /// <inheritdoc/>
    void IGateEvent.Deliver() => engine.Run(this);
}
