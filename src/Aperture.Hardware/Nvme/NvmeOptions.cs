using Aperture.Core;
using Aperture.Datasheets.Nvme;

namespace Aperture.Hardware.Nvme;

/// <summary>What an NVMe controller is like.</summary>
public sealed record NvmeOptions
{
    /// <summary>PCI vendor, as Identify tells it: that of virtual educational devices unless set, which nobody was given.</summary>
    public ushort Vendor { get; init; } = 0x1234;

    /// <summary>PCI device, by the vendor's numbers.</summary>
    public ushort Device { get; init; } = 0x4E56;

    /// <summary>Serial number, at most 20 ASCII characters.</summary>
    public string Serial { get; init; } = "APERTURE0001";

    /// <summary>Model, at most 40 ASCII characters.</summary>
    public string Model { get; init; } = "Aperture NVMe";

    /// <summary>Firmware revision, at most 8 ASCII characters.</summary>
    public string Firmware { get; init; } = "1.0";

    /// <summary>Submission queues beside the admin queue, and as many completion queues: 1 to 255.</summary>
    public int Queues { get; init; } = 16;

    /// <summary>Interrupt vectors, 1 to 256: the admin queue's and others.</summary>
    public int Vectors { get; init; } = 17;

    /// <summary>Most entries of a queue, 2 to 65536.</summary>
    public int QueueEntries { get; init; } = 1024;

    /// <summary>Log2 of the largest page that CC.MPS may name, 12 to 27.</summary>
    public int LargestPageShift { get; init; } = 16;

    /// <summary>MDTS: log2 of the most pages of 4096 bytes that a command moves; 0 for no limit.</summary>
    public byte TransferPagesLog2 { get; init; } = 8;

    /// <summary>Requests for events that may wait at once, 1 to 256.</summary>
    public int AsyncEvents { get; init; } = 4;

    /// <summary>Whether data may be named by SGLs.</summary>
    public bool HasSgls { get; init; } = true;

    /// <summary>CAP.TO in units of 500 ms.</summary>
    public byte Timeout { get; init; } = 10;

    /// <summary>Reads of CSTS that still say "not ready" after CC.EN was set; negative: for ever.</summary>
    public int ReadyDelayPolls { get; init; }

    internal NvmeCapabilities Capabilities => NvmeCapabilities.Of(QueueEntries, Timeout, LargestPageShift);

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ApertureException">A member is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Check(Serial.Length <= 20, nameof(Serial), Serial.Length);
        Check(Model.Length <= 40, nameof(Model), Model.Length);
        Check(Firmware.Length <= 8, nameof(Firmware), Firmware.Length);
        Check(Queues is >= 1 and <= 255, nameof(Queues), Queues);
        Check(Vectors is >= 1 and <= 256, nameof(Vectors), Vectors);
        Check(QueueEntries is >= 2 and <= 65536, nameof(QueueEntries), QueueEntries);
        Check(LargestPageShift is >= 12 and <= 27, nameof(LargestPageShift), LargestPageShift);
        Check(TransferPagesLog2 <= 16, nameof(TransferPagesLog2), TransferPagesLog2);
        Check(AsyncEvents is >= 1 and <= 256, nameof(AsyncEvents), AsyncEvents);
    }

    private static void Check(bool holds, string name, long value)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, $"an NVMe controller with {name} = {value} does not exist");
    }
}
