using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Devices;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nvme;

// Bringing the controller up.
public sealed partial class NvmeClient
{
    private const int EventPage = 4096; // offset of the log pages of events in the page

    private readonly List<IDisposable> _handlers = []; // of interrupts

    private CoherentBuffer _page; // what Identify tells, and behind it log pages

    /// <summary>Brings the controller up for the first time.</summary>
    internal void Start()
    {
        try
        {
            ReadCapabilities();
            _admin = new NvmeAdminQueue(this);
            _page = Device.Dma.Allocate(2 * EventPage);
            if (!IsPolled)
                RequestInterrupts();
            Enable(_admin);
            _admin.Open();
            Identity = NvmeIdentity.Parse(Identify(1, 0));
            MaxTransfer = TransferLimit();
            UsesSgl = Options.Transfer == NvmeTransfer.Sgl && Identity.HasSgls;
            var count = GrantedQueues(Options.Queues);
            var entries = Math.Min(Options.QueueEntries, _capabilities.MostEntries);
            for (var number = 1; number <= count; number++)
                _queues = [.. _queues, new NvmeIoQueue(this, number, entries)];
            CreateQueues();
            FindNamespaces();
            GoLive();
        }
        catch (BusErrorException e)
        {
            throw new ApertureException(Status.NoDevice, $"{Device.Name} does not answer: {e.Message}", e);
        }
    }

    /// <summary>Brings the controller up again after it was turned off.</summary>
    private void Restart()
    {
        try
        {
            Enable(_admin!);
            _admin!.Open();
            if (GrantedQueues(_queues.Length) < _queues.Length)
                throw new ApertureException(Status.NoSpace, $"{Device.Name} grants fewer queues than before");
            CreateQueues();
            GoLive();
        }
        catch (BusErrorException e)
        {
            throw new ApertureException(Status.NoDevice, $"{Device.Name} does not answer: {e.Message}", e);
        }
    }

    private void GoLive()
    {
        foreach (var queue in _queues)
        {
            queue.Rewind();
            queue.Open();
        }

        var before = State;
        if (before is NvmeState.Failed or NvmeState.Removed
            || Interlocked.CompareExchange(ref _state, (int)NvmeState.Live, (int)before) != (int)before)
            throw new ApertureException(Status.NoDevice, $"{Device.Name} was let go while it was brought up");
        _admin!.AwaitEvent();
        foreach (var queue in _queues)
            queue.Feed();
        if (!IsPolled)
            return;
        foreach (var queue in _queues)
            queue.DrainAll();
    }

    private int TransferLimit()
    {
        var limit = (ulong)Options.MaxTransfer;
        if (Identity.TransferPagesLog2 is > 0 and < 32)
            limit = Math.Min(limit, 1UL << (Identity.TransferPagesLog2 + _capabilities.SmallestPageShift));
        limit = Math.Min(limit, Device.Dma.MaxMappingSize);
        return (int)(limit & ~4095UL);
    }

    private ReadOnlySpan<byte> Identify(uint structure, uint number)
    {
        _admin!.Execute(new NvmeCommand
        {
            Opcode = (byte)NvmeAdminOpcode.Identify,
            Namespace = number,
            Prp1 = _page.Address.Value,
            Word10 = structure,
        });
        return _page.Memory.Slice(0, EventPage).Span;
    }

    /// <summary>The command that reads the log page of an event, of which 512 bytes at most are of interest.</summary>
    internal NvmeCommand ReadEventLog(uint value) => new()
    {
        Opcode = (byte)NvmeAdminOpcode.GetLogPage,
        Namespace = uint.MaxValue,
        Prp1 = _page.Address.Value + EventPage,
        Word10 = (value >> 16 & 0xFF) | (127u << 16),
    };

    private int GrantedQueues(int wanted)
    {
        var less = (uint)(wanted - 1);
        var granted = _admin!.Execute(new NvmeCommand
        {
            Opcode = (byte)NvmeAdminOpcode.SetFeatures,
            Word10 = (uint)NvmeFeature.NumberOfQueues,
            Word11 = less | (less << 16),
        });
        return (int)Math.Min((uint)wanted, Math.Min(granted & 0xFFFF, granted >> 16) + 1);
    }

    private void CreateQueues()
    {
        foreach (var queue in _queues)
        {
            queue.Rewind();
            var size = (uint)queue.Number | ((uint)(queue.Entries - 1) << 16);
            _admin!.Execute(new NvmeCommand
            {
                Opcode = (byte)NvmeAdminOpcode.CreateCompletionQueue,
                Prp1 = queue.CompletionAddress,
                Word10 = size,
                Word11 = 1 | (IsPolled ? 0 : 2u) | ((uint)queue.Vector << 16),
            });
            _admin.Execute(new NvmeCommand
            {
                Opcode = (byte)NvmeAdminOpcode.CreateSubmissionQueue,
                Prp1 = queue.SubmissionAddress,
                Word10 = size,
                Word11 = 1 | ((uint)queue.Number << 16),
            });
        }
    }

    private void FindNamespaces()
    {
        var found = new List<NvmeNamespaceDevice>();
        foreach (var number in ActiveNamespaces())
        {
            var data = Identify(0, number);
            var blocks = BinaryPrimitives.ReadUInt64LittleEndian(data);
            var format = BinaryPrimitives.ReadUInt32LittleEndian(data[(128 + ((data[26] & 0xF) * 4))..]);
            var shift = (int)(format >> 16 & 0xFF);
            if (blocks > 0 && shift is >= 9 and <= 12 && (format & 0xFFFF) == 0) // no metadata
                found.Add(new NvmeNamespaceDevice(this, number, blocks, shift));
        }

        _namespaces = [.. found];
    }

    /// <summary>The numbers of the namespaces that are there.</summary>
    private List<uint> ActiveNamespaces()
    {
        var numbers = new List<uint>();
        try
        {
            while (true)
            {
                var list = Identify(2, numbers.Count == 0 ? 0 : numbers[^1]);
                for (var i = 0; i < 1024; i++)
                {
                    var number = BinaryPrimitives.ReadUInt32LittleEndian(list[(i * 4)..]);
                    if (number == 0 || (numbers.Count > 0 && number <= numbers[^1]))
                        return numbers;
                    numbers.Add(number);
                }
            }
        }
        catch (NvmeException)
        {
            for (uint number = 1; number <= Math.Min(Identity.Namespaces, 1024); number++) // a controller before 1.1
                numbers.Add(number);
            return numbers;
        }
    }

    // The admin queue has vector 0, the others share the rest.
    internal int VectorOf(int queue) => Device.Interrupts.Count < 2 || IsPolled ? 0 : 1 + ((queue - 1) % (Device.Interrupts.Count - 1));

    private void RequestInterrupts()
    {
        for (var vector = 0; vector < Device.Interrupts.Count; vector++)
        {
            var mine = vector;
            _handlers.Add(Device.Interrupts[vector].Request(() => OnInterrupt(mine)));
        }
    }

    private InterruptResult OnInterrupt(int vector)
    {
        var any = vector == 0 && (_admin?.Drain() ?? false);
        foreach (var queue in _queues)
        {
            if (queue.Vector == vector)
                any |= queue.Drain();
        }

        if (!any)
            return InterruptResult.None; // another device shares the line, or a thread that polls was faster
        Interlocked.Increment(ref _interrupts);
        return InterruptResult.Handled;
    }
}
