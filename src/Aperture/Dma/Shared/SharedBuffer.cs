using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Iommu;

namespace Aperture.Dma.Shared;

/// <summary>Memory that several devices work on in turn: mapped for each of them, with the owner stated and fences between owners. Readers
/// share it; a writer, the CPU included, has it alone.</summary>
/// <remarks>Thread-safe. Caches are maintained where the bytes change hands, for those who need it. While parts begin and end the buffer is
/// locked and the thread's <see cref="EventGate"/> closed: interrupts and timers that mapping causes come when the lock is gone.</remarks>
public sealed partial class SharedBuffer : IDisposable
{
    private readonly Lock _lock = new();         // guards everything here
    private readonly List<SharedUse> _uses = []; // turns that are not over: one writer, or readers
    private readonly SystemMemory _memory;       // where the memory goes back to
    private bool _isGone;                        // disposed

    private SharedBuffer(SystemMemory memory, MemoryBlock block)
    {
        _memory = memory;
        Block = block;
    }

    /// <summary>The memory. The CPU touches it only in its turn.</summary>
    public MemoryBlock Block { get; }

    /// <summary>Allocates memory to share.</summary>
    /// <param name="memory">Where from; every device that takes part must reach it.</param>
    /// <param name="bytes">At least 1.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/>.</exception>
    public static SharedBuffer Allocate(SystemMemory memory, int bytes)
    {
        ArgumentNullException.ThrowIfNull(memory);
        return new SharedBuffer(memory, memory.Allocate(bytes));
    }

    /// <summary>Begins a turn.</summary>
    /// <param name="device">Whose; null for the CPU's.</param>
    /// <param name="direction"><see cref="DmaDirection.ToDevice"/> to read, anything else to write.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <returns>Null while others' turns are running that this one cannot share: see <see cref="FencesFor"/>.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NotPermitted"/>: the device does not take part;
    /// <see cref="Status.InvalidArgument"/>: the buffer is disposed.</exception>
    public SharedUse? TryBegin(Device? device, DmaDirection direction, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        lock (_lock)
        {
            RefuseGone();
            if (device is not null && !_parts.ContainsKey(device.Dma))
                throw new ApertureException(
                    Status.NotPermitted,
                    $"{device.Name} does not take part in the shared buffer at {Block.Address}");
            if (IsBlocked(direction))
                return null;
            var use = new SharedUse(this, device?.Dma, direction);
            if (device is null)
            {
                // Readers' turns may be running beside the CPU's.
                foreach (var part in _parts.Values)
                    part.Owner.TellCpuOwns(part.Mapping, file, line);
                _uses.Add(use);
                AssertInvariants();
                return use;
            }

            // A turn has begun when nothing can fail any more.
            var own = _parts[device.Dma];
            own.Mapping.SyncForDevice(file, line);
            device.Dma.SyncBorrowed(own.Mapping, own.Owner, false);
            device.Dma.TellOf(DmaEventKind.TurnBegins, own.Mapping, direction, file, line);
            if (_uses.Exists(other => other.User is null))
                own.Owner.TellCpuOwns(own.Mapping, file, line); // the CPU reads beside it
            _uses.Add(use);
            AssertInvariants();
            return use;
        }
    }

    /// <summary>Begins a turn, as soon as the turns that it cannot share are over.</summary>
    /// <param name="device">Whose; null for the CPU's.</param>
    /// <param name="direction"><see cref="DmaDirection.ToDevice"/> to read, anything else to write.</param>
    /// <param name="begun">Called with the turn, at once or on the thread that ends the last one in the way.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void BeginAfterFences(
        Device? device,
        DmaDirection direction,
        Action<SharedUse> begun,
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(begun);
        if (TryBegin(device, direction, file, line) is { } use)
        {
            begun(use);
            return;
        }

        var fences = FencesFor(direction);
        if (fences.Count == 0)
            BeginAfterFences(device, direction, begun, file, line); // over meanwhile
        else
            fences[0].OnSignalled(() => BeginAfterFences(device, direction, begun, file, line));
    }

    /// <summary>What must be over before such a turn can begin.</summary>
    public IReadOnlyList<DmaFence> FencesFor(DmaDirection direction)
    {
        lock (_lock)
            return IsBlocked(direction) ? [.. _uses.Select(use => use.Done)] : [];
    }

    /// <summary>Ends all parts and gives the memory back, as soon as no device can reach it.</summary>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: a turn is running; <see cref="Status.InvalidArgument"/>: it was
    /// disposed before.</exception>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var errors = default(ThrownErrors);
        using (EventGate.Close(ThreadRecord.Current))
        {
            lock (_lock)
            {
                RefuseGone();
                if (_uses.Count > 0)
                    throw new ApertureException(
                        Status.Busy,
                        $"the shared buffer at {Block.Address} is in use by {_uses[0].User?.DeviceName ?? "the CPU"}");
                _isGone = true;
                DmaContext[] borrowersFirst = [.. _parts.OrderBy(part => part.Key == part.Value.Owner).Select(part => part.Key)];
                foreach (var user in borrowersFirst)
                    Leave(user, ref errors, file, line);
            }
        }

        FreeAfter(_domains.GetEnumerator());
        errors.Throw();
    }

    private void RefuseGone()
    {
        if (_isGone)
            throw new ApertureException(Status.InvalidArgument, $"the shared buffer at {Block.Address} was given back before");
    }

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose()
    {
        lock (_lock)
        {
            if (_isGone)
                return; // the end of a using that was told before
        }

        Dispose("", 0);
    }

    /// <summary>Gives the memory back once none of the domains in which it was mapped keeps something in quarantine.</summary>
    private void FreeAfter(HashSet<IommuDomain>.Enumerator domains)
    {
        if (domains.MoveNext())
            domains.Current.WhenInvalidated(() => FreeAfter(domains));
        else
            _memory.Free(Block, "", 0);
    }

    internal void End(SharedUse use, string file, int line)
    {
        var errors = default(ThrownErrors);
        lock (_lock)
        {
            if (!_uses.Remove(use))
                return;
            try
            {
                if (use.User is { } user && _parts.TryGetValue(user, out var part))
                    End(part, user, use.Direction, file, line);
            }
            catch (Exception error)
            {
                errors.Add(error);
            }
        }

        use.Done.Signal(ref errors); // whoever waits goes on, whatever became of the bytes
        errors.Throw();
    }

    /// <summary>What a device wrote is in memory then, for the CPU and through it for all others. What it read is its no more, at no
    /// cost.</summary>
    private static void End(Part part, DmaContext user, DmaDirection direction, string file, int line)
    {
        user.TellOf(DmaEventKind.TurnEnds, part.Mapping, direction, file, line);
        if (direction == DmaDirection.ToDevice)
        {
            part.Owner.TellCpuOwns(part.Mapping, file, line);
            return;
        }

        user.SyncBorrowed(part.Mapping, part.Owner, true);
        part.Mapping.SyncForCpu(file, line);
    }

    private bool IsBlocked(DmaDirection direction) =>
        direction == DmaDirection.ToDevice ? _uses.Exists(use => use.Direction != DmaDirection.ToDevice) : _uses.Count > 0;
}
