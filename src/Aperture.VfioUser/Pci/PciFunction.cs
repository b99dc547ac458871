using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Pci;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser;

/// <summary>A PCI function that an emulator takes: configuration space, BARs of register blocks, interrupts, and the way to the guest's
/// memory. A block of a chip is carried by one, at the address that its BAR is given.</summary>
/// <remarks>
/// <para>Register accesses come on the one thread that serves the function's client. Blocks that several functions reach must take several
/// threads, as <see cref="Hardware.Translation.TranslationUnit"/>s do.</para>
/// <para>A reset by the client resets the blocks that are <see cref="BusDevice"/>s.</para>
/// </remarks>
public sealed class PciFunction
{
    private const uint PageSize = 4096;

    private readonly PciBar?[] _bars = new PciBar?[RegionIndex.Bars];
    private VfioUserCounters _counters; // of the thread that serves
    private ulong _dmaMessages;
    private volatile ClientChannel? _client;

    /// <summary>A function.</summary>
    /// <param name="name">What messages and counters call it.</param>
    /// <param name="memory">The memory of the guest.</param>
    /// <param name="identity">What it says of itself.</param>
    /// <param name="bars">Its BARs, from the first on; one of 64 bits takes two.</param>
    /// <exception cref="ApertureException">More BARs than there is room for, or an identity that cannot be.</exception>
    public PciFunction(string name, GuestMemory memory, PciIdentity identity, params ReadOnlySpan<PciBar> bars)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(identity);
        identity.Validate();
        Name = name;
        Memory = memory;
        Identity = identity;
        Interrupts = new FunctionInterrupts(this, identity.Vectors);
        var next = 0;
        foreach (var bar in bars)
            Place(bar, ref next);
        var tableBar = next;
        if (identity.Vectors > 0)
            Place(new PciBar(new MsixTable(Interrupts, identity.Vectors)), ref next);
        Configuration = new PciConfiguration(identity, _bars, tableBar);
    }

    /// <summary>What messages and counters call it.</summary>
    public string Name { get; }

    /// <summary>What it says of itself.</summary>
    public PciIdentity Identity { get; }

    /// <summary>The memory of the guest.</summary>
    public GuestMemory Memory { get; }

    /// <summary>The BARs by their numbers; null where there is none.</summary>
    public IReadOnlyList<PciBar?> Bars => _bars;

    /// <summary>Whether a client is there.</summary>
    public bool IsConnected => _client is not null;

    /// <summary>What was counted.</summary>
    public VfioUserCounters Counters =>
        _counters with { Interrupts = Interrupts.Sent, DmaMessages = Volatile.Read(ref _dmaMessages) };

    /// <summary>Called after each access to a register of a BAR, on the thread that serves the client, when the block has answered: a
    /// board that has something to do then, such as to let a master try again whose access a unit held back.</summary>
    public Action? Accessed { get; set; }

    /// <summary>Called when the client resets the function, after its blocks were.</summary>
    public Action? ResetDone { get; set; }

    /// <summary>Called when a client has gone.</summary>
    public Action? Disconnected { get; set; }

    internal PciConfiguration Configuration { get; }

    internal FunctionInterrupts Interrupts { get; }

    internal IVfioUserObserver? Observer { get; set; }

    internal ref VfioUserCounters Tally => ref _counters;

    /// <summary>Connects a block's line to the function's own; several are one, high while one of them is.</summary>
    public void Connect(InterruptLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        Interrupts.AddLine(line);
    }

    /// <summary>Lets a block's line raise a vector of MSI-X each time that it rises.</summary>
    /// <param name="line">The line.</param>
    /// <param name="vector">Below <see cref="PciIdentity.Vectors"/>.</param>
    public void Connect(InterruptLine line, int vector)
    {
        ArgumentNullException.ThrowIfNull(line);
        CheckVector(vector);
        Interrupts.AddLine(line, vector);
    }

    /// <summary>Raises a vector of MSI-X.</summary>
    /// <param name="vector">Below <see cref="PciIdentity.Vectors"/>.</param>
    public void Raise(int vector)
    {
        CheckVector(vector);
        Interrupts.Raise(vector);
    }

    /// <summary>Reads memory of the client by messages, whether it has shared it or not: an address that is a device's there, for example.
    /// Waits for the client, so not on a thread that serves one.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="destination">The bytes.</param>
    /// <returns>False where there is no client, it answers with an error or not in time, or the thread serves a client.</returns>
    public bool TryReadClient(PhysicalAddress address, Span<byte> destination)
    {
        for (var done = 0; done < destination.Length;)
        {
            if (FunctionSession.IsServing || _client is not { } client)
                return false;
            var piece = destination[done..Math.Min(destination.Length, done + client.MaxTransfer)];
            Interlocked.Increment(ref _dmaMessages);
            if (!client.Messages.TryRead(address.Value + (ulong)done, piece))
                return false;
            done += piece.Length;
        }

        return true;
    }

    /// <summary>Writes memory of the client by messages, such as a message interrupt that goes to an address which the driver
    /// programmed. Waits for the client, so not on a thread that serves one.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>As of <see cref="TryReadClient"/>.</returns>
    public bool TryWriteClient(PhysicalAddress address, ReadOnlySpan<byte> source)
    {
        for (var done = 0; done < source.Length;)
        {
            if (FunctionSession.IsServing || _client is not { } client)
                return false;
            var piece = source[done..Math.Min(source.Length, done + client.MaxTransfer)];
            Interlocked.Increment(ref _dmaMessages);
            if (!client.Messages.TryWrite(address.Value + (ulong)done, piece))
                return false;
            done += piece.Length;
        }

        return true;
    }

    /// <summary>Bytes of a region.</summary>
    internal ulong SizeOf(uint region) => region switch
    {
        RegionIndex.Configuration => PciConfiguration.Size,
        < RegionIndex.Bars => _bars[region]?.Size ?? 0,
        _ => 0,
    };

    internal void Connect(ClientChannel client)
    {
        _client = client;
        _counters = _counters with { Connections = _counters.Connections + 1 };
    }

    internal void Disconnect()
    {
        _client = null;
        Interrupts.Disconnect();
        Configuration.Reset();
        Disconnected?.Invoke();
    }

    internal void Reset()
    {
        Configuration.Reset();
        foreach (var bar in _bars)
        {
            foreach (var block in bar?.Blocks.OfType<BusDevice>() ?? [])
            {
                block.SetReset(true);
                block.SetReset(false);
            }
        }

        Interrupts.Reset();
        ResetDone?.Invoke();
    }

    private void Place(PciBar bar, ref int next)
    {
        ArgumentNullException.ThrowIfNull(bar);
        if (bar.Size < PageSize)
            throw new ApertureException(Status.InvalidArgument, $"{Name} has a BAR of 0x{bar.Size:x} bytes; an emulator maps whole pages");
        var width = bar.Is64Bit ? 2 : 1;
        if (next + width > _bars.Length)
            throw new ApertureException(Status.NoSpace, $"{Name} has more BARs than a function has room for");
        _bars[next] = bar;
        next += width;
    }

    private void CheckVector(int vector)
    {
        if ((uint)vector >= (uint)Identity.Vectors)
            throw new ApertureException(Status.OutOfRange, $"{Name} has no vector {vector}: there are {Identity.Vectors}");
    }
}
