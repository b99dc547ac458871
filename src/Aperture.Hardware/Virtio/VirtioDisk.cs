using Aperture.Core;
using Aperture.Datasheets.Virtio;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Virtio;

/// <summary>A virtio disk with the registers of "virtio,mmio": a master that every guest's own driver drives, with one queue of requests.
/// Source: VIRTIO 1.2, 2.7, 4.2 and 5.2.</summary>
/// <remarks>
/// <para>A request is done within the register access that notifies the queue. When the unit in front of the disk holds an access back,
/// the disk stands still; whoever drives the board calls <see cref="TryAgain"/> when software may have released the unit, and the request
/// begins anew. When an access is refused, the request fails if it was one of its data, and the device asks for a reset if it was one of
/// the rings.</para>
/// <para>Any number of threads.</para>
/// </remarks>
public sealed partial class VirtioDisk : MasterDevice
{
    /// <summary>The kind of device: a disk.</summary>
    public const uint DeviceId = 2;

    /// <summary>The most descriptors that the queue may have.</summary>
    public const int MaxQueueSize = 256;

    private const int SegmentMax = 126;
    private const VirtioFeatures Offered = VirtioFeatures.Version1 | VirtioFeatures.AccessPlatform | VirtioFeatures.BlockFlush
        | VirtioFeatures.BlockSegmentMax;

    private readonly Lock _lock = new();
    private readonly DmaPort _port;

    /// <summary>A disk after reset.</summary>
    /// <param name="port">Its way to memory.</param>
    /// <param name="content">What is on it: whole sectors; the disk's own from here on.</param>
    /// <exception cref="ApertureException">No whole sectors.</exception>
    public VirtioDisk(DmaPort port, Memory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(port);
        if (content.IsEmpty || content.Length % VirtioBlockRequest.SectorBytes != 0)
            throw new ApertureException(Status.InvalidArgument, $"a disk of {content.Length} bytes has no whole sectors");
        _port = port;
        Content = content;
    }

    /// <inheritdoc/>
    public override uint Size => VirtioMmioRegister.Size;

    /// <summary>What is on the disk.</summary>
    public Memory<byte> Content { get; }

    /// <summary>An access that does not belong to a request, made once, before the request that contains its sector: a device that has gone
    /// astray. Null for none, and after it was made.</summary>
    public VirtioStrayAccess? Stray { get; set; }

    /// <summary>Requests that were done.</summary>
    public long Requests { get; private set; }

    /// <summary>Bytes of data that were moved.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether a unit holds the disk's accesses back.</summary>
    public bool IsStalled { get; private set; }

    /// <summary>Goes on with what a unit has held back, if anything.</summary>
    public void TryAgain()
    {
        lock (_lock)
        {
            if (!IsStalled)
                return;
            IsStalled = false;
            Work();
        }

        DriveLine();
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        lock (_lock)
            ResetState();
        DriveLine();
    }

    private void DriveLine() => Interrupt.Set(_interruptStatus != 0 && Answers);
}
