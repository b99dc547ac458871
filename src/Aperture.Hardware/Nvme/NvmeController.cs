using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Nvme;

/// <summary>An NVMe controller of version 1.4 with the NVM command set. Source: NVM Express 1.4.</summary>
/// <remarks>
/// <para>Commands are done in the order in which they come, queue by queue, within the write of the doorbell, or in slices
/// (<see cref="MasterDevice.Pace"/>). What an IOMMU stalls comes again when handlers have run, eight times, and then waits for the next
/// doorbell or <see cref="TryAgain"/>.</para>
/// <para>Registers take any number of threads; one at a time does what waits in the queues, its own and those of the others. Interrupts
/// come when it is done.</para>
/// <para>Its interrupts are <see cref="Bus.BusDevice.Interrupt"/>, up while a completion waits that is not masked, or messages
/// (<see cref="Message"/>).</para>
/// <para>A queue entry that cannot be read or written is a controller fatal status. There are no metadata, no fused commands, no memory
/// buffer of the controller's own.</para>
/// </remarks>
public sealed partial class NvmeController : MasterDevice, IGateEvent
{
    private const int MostRetries = 8; // of what an IOMMU stalled, while nothing else is done

    private readonly Lock _lock = new(); // taken with the event gate closed; may be taken again, by an access to its own registers
    private readonly DmaPort _port;
    private readonly NvmeNamespace[] _namespaces;
    private int _retries;

    /// <summary>A controller that is off.</summary>
    /// <param name="port">Its port to memory.</param>
    /// <param name="options">What it is like; null for the usual.</param>
    /// <param name="namespaces">Its namespaces, numbered from 1 on.</param>
    public NvmeController(DmaPort port, NvmeOptions? options = null, params NvmeNamespace[] namespaces)
    {
        ArgumentNullException.ThrowIfNull(port);
        ArgumentNullException.ThrowIfNull(namespaces);
        _port = port;
        _namespaces = [.. namespaces];
        Options = options ?? new NvmeOptions();
        Options.Validate();
        _submissions = new NvmeSubmissionQueue?[Options.Queues + 1];
        _completions = new NvmeCompletionQueue?[Options.Queues + 1];
        _raised = new bool[Options.Vectors];
        Reset();
    }

    /// <summary>What it is like.</summary>
    public NvmeOptions Options { get; }

    /// <summary>Its namespaces, numbered from 1 on.</summary>
    public IReadOnlyList<NvmeNamespace> Namespaces => _namespaces;

    /// <inheritdoc/>
    public override uint Size => 0x4000;

    /// <summary>Hears of each vector whose queues got completions, once for many: a bus that has messages sends one, unless software has
    /// not turned them on. The pin is driven all the same.</summary>
    public Action<int>? Message { get; set; }

    /// <summary>Decides how a command ends before it is looked at: a status, or null to do it. For errors on purpose.</summary>
    public Func<ushort, NvmeCommand, NvmeStatus?>? Inject { get; set; }

    /// <summary>Decides what becomes of an access to memory, of queue entries, lists and data alike, by direction, address and length: how
    /// it failed, or null to make it. For errors on purpose.</summary>
    public Func<DmaAccess, Iova, int, DmaStatus?>? InjectAccess { get; set; }

    /// <summary>Commands completed since the controller was made.</summary>
    public ulong Commands { get; private set; }

    /// <summary>Bytes of data moved, both ways.</summary>
    public ulong DataBytes { get; private set; }

    /// <summary>Whether a command waits for an access that an IOMMU has stalled.</summary>
    public bool IsStuck { get; private set; }

    /// <summary>Goes on with what an IOMMU stalled.</summary>
    public void TryAgain()
    {
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            if (IsStuck && Answers)
                Run();
        }
    }

    /// <inheritdoc/>
    protected override void GoOn()
    {
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
            Run();
    }

    /// <summary>Handlers have run, and may have mended what stalled.</summary>
    void IGateEvent.Deliver() => TryAgain();

    /// <inheritdoc/>
    protected override void Reset()
    {
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            _masks = 0;
            _configuration = default;
            _adminQueues = 0;
            _adminSubmissions = _adminCompletions = 0;
            Stop();
            _status = NvmeControllerStatus.None;
        }
    }

    /// <summary>Forgets queues, features and whatever goes on.</summary>
    private void Stop()
    {
        CancelSlices();
        Array.Clear(_submissions);
        Array.Clear(_completions);
        _queues = _vectors = 0;
        Array.Clear(_raised);
        _waiting.Clear();
        _events.Clear();
        _features.Clear();
        _readyPolls = 0;
        IsStuck = false;
        _retries = 0;
        UpdatePin();
    }
}
