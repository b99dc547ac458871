using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma;

/// <summary>Memory that several devices work on in turn: mapped for each of them, with the owner stated and fences between owners. Readers share
/// it; a writer, the CPU included, has it alone.</summary>
/// <remarks>Thread-safe. Caches are maintained where the bytes change hands, for those who need it.</remarks>
public sealed class SharedBuffer : IDisposable
{
    private readonly Lock _lock = new();                              // guards everything below
    private readonly Dictionary<DmaContext, DmaMapping> _mappings = []; // of each device that takes part
    private readonly List<SharedUse> _uses = [];                      // turns that are not over: one writer, or readers
    private readonly SystemMemory _memory;                            // where the memory goes back to

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

    /// <summary>Lets a device take part. With an address, the device finds the buffer there, as the others do that were given the same.</summary>
    /// <param name="device">A bound device.</param>
    /// <param name="address">The device address, with the memory's offset in a page; null for any.</param>
    /// <returns>Where the device finds the first byte.</returns>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: it takes part, or its address is taken; or the device cannot reach the memory.</exception>
    public Iova Attach(Device device, Iova? address = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            if (_mappings.ContainsKey(device.Dma))
                throw new ApertureException(Status.AlreadyExists, $"{device.Name} takes part in the shared buffer at {Block.Address} already");
            // Only the one whose turn it is may have its caches maintained for it.
            var mapping = address is { } at
                ? device.Dma.MapAt(Block, at, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync)
                : device.Dma.Map(Block, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync);
            _mappings.Add(device.Dma, mapping);
            return mapping.Address;
        }
    }

    /// <summary>Finds a device address that is free for all of some devices, and lets them take part there.</summary>
    /// <returns>The address.</returns>
    /// <exception cref="ApertureException">As for <see cref="Attach"/>; none takes part then.</exception>
    public Iova AttachAll(params ReadOnlySpan<Device> devices)
    {
        var address = default(Iova);
        for (var i = 0; i < devices.Length; i++)
        {
            try
            {
                address = Attach(devices[i], i == 0 ? null : address);
            }
            catch (ApertureException)
            {
                while (--i >= 0)
                    Detach(devices[i]);
                throw;
            }
        }

        return address;
    }

    /// <summary>Ends a device's part. Nobody's turn may be running that is its.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: its turn is running.</exception>
    public void Detach(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            if (_uses.Exists(use => use.User == device.Dma))
                throw new ApertureException(Status.Busy, $"{device.Name} is using the shared buffer at {Block.Address}");
            if (_mappings.Remove(device.Dma, out var mapping))
                mapping.Dispose();
        }
    }

    /// <summary>Begins a turn.</summary>
    /// <param name="device">Whose; null for the CPU's.</param>
    /// <param name="direction"><see cref="DmaDirection.ToDevice"/> to read, anything else to write.</param>
    /// <returns>Null while others' turns are running that this one cannot share: see <see cref="FencesFor"/>.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NotPermitted"/>: the device does not take part.</exception>
    public SharedUse? TryBegin(Device? device, DmaDirection direction)
    {
        lock (_lock)
        {
            if (device is not null && !_mappings.ContainsKey(device.Dma))
                throw new ApertureException(Status.NotPermitted, $"{device.Name} does not take part in the shared buffer at {Block.Address}");
            if (IsBlocked(direction))
                return null;
            var use = new SharedUse(this, device?.Dma, direction);
            _uses.Add(use);
            if (device is not null)
                _mappings[device.Dma].SyncForDevice();
            return use;
        }
    }

    /// <summary>Begins a turn, as soon as the turns that it cannot share are over.</summary>
    /// <param name="device">Whose; null for the CPU's.</param>
    /// <param name="direction"><see cref="DmaDirection.ToDevice"/> to read, anything else to write.</param>
    /// <param name="begun">Called with the turn, at once or on the thread that ends the last one in the way.</param>
    public void BeginAfterFences(Device? device, DmaDirection direction, Action<SharedUse> begun)
    {
        ArgumentNullException.ThrowIfNull(begun);
        if (TryBegin(device, direction) is { } use)
        {
            begun(use);
            return;
        }

        var fences = FencesFor(direction);
        if (fences.Count == 0)
            BeginAfterFences(device, direction, begun); // over meanwhile
        else
            fences[0].OnSignalled(() => BeginAfterFences(device, direction, begun));
    }

    /// <summary>What must be over before such a turn can begin.</summary>
    public IReadOnlyList<DmaFence> FencesFor(DmaDirection direction)
    {
        lock (_lock)
            return IsBlocked(direction) ? [.. _uses.Select(use => use.Done)] : [];
    }

    /// <summary>Ends all parts and gives the memory back.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: a turn is running.</exception>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_uses.Count > 0)
                throw new ApertureException(Status.Busy, $"the shared buffer at {Block.Address} is in use by {_uses[0].User?.DeviceName ?? "the CPU"}");
            foreach (var mapping in _mappings.Values)
                mapping.Dispose();
            _mappings.Clear();
        }

        _memory.Free(Block);
    }

    internal void End(SharedUse use)
    {
        lock (_lock)
        {
            if (!_uses.Remove(use))
                return;
            // What a device wrote is in memory then, for the CPU and through it for all others.
            if (use.User is { } user && use.Direction != DmaDirection.ToDevice)
                _mappings[user].SyncForCpu();
        }

        use.Done.Signal();
    }

    private bool IsBlocked(DmaDirection direction) =>
        direction == DmaDirection.ToDevice ? _uses.Exists(use => use.Direction != DmaDirection.ToDevice) : _uses.Count > 0;
}
