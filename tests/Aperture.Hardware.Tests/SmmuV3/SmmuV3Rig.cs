using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Bus;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>A unit with a linear stream table, queues and tables of a granule of 4 KiB that are written by hand.</summary>
internal sealed class SmmuV3Rig : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const int RamBytes = 8 << 20;
    public const int StreamBits = 8;
    public const int QueueLog2 = 4;
    public const ulong Writable = 0x743;  // stage 1: page, valid, AF, inner shareable, unprivileged
    public const ulong ReadOnly = 0x7C3;
    public const ulong Stage2Writable = 0x7FF; // AF, S2AP both, cached

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), RamBytes));
    private ulong _next = Ram;
    private uint _commands;
    private uint _events;

    public SmmuV3Rig(SmmuV3Options? options = null, bool isOn = true)
    {
        Bus = new SystemBus(_memory);
        Unit = new Hardware.SmmuV3.SmmuV3(Bus, options ?? new SmmuV3Options());
        StreamTable = Take(SmmuV3Words.Bytes << StreamBits);
        CommandQueue = Take(SmmuV3Command.Bytes << QueueLog2);
        EventQueue = Take(SmmuV3Event.Bytes << QueueLog2);
        Write64(SmmuV3Register.StreamTableBase, StreamTable);
        Write(SmmuV3Register.StreamTableConfig, SmmuV3StreamTableConfig.Linear(StreamBits).Value);
        Write64(SmmuV3Register.CommandQueueBase, SmmuV3QueueBase.Of(CommandQueue, QueueLog2).Value);
        Write64(SmmuV3Register.EventQueueBase, SmmuV3QueueBase.Of(EventQueue, QueueLog2).Value);
        Write(SmmuV3Register.Cr2, SmmuV3Register.RecordInvalidStreams);
        Write(SmmuV3Register.InterruptControl, (uint)SmmuV3Interrupts.All);
        if (isOn)
            Write(SmmuV3Register.Cr0, (uint)(SmmuV3Control.CommandQueue | SmmuV3Control.EventQueue | SmmuV3Control.Translates));
    }

    public SystemBus Bus { get; }

    public Hardware.SmmuV3.SmmuV3 Unit { get; }

    public ulong StreamTable { get; }

    public ulong CommandQueue { get; }

    public ulong EventQueue { get; }

    public void Dispose() => _memory.Dispose();

    /// <summary>Memory of its own, zeroed, at a multiple of its size.</summary>
    public ulong Take(int bytes)
    {
        var size = (ulong)Math.Max(4096, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)bytes));
        _next = (_next + size - 1) & ~(size - 1);
        var taken = _next;
        _next += size;
        Assert.True(_next <= Ram + RamBytes, "the rig has no memory left");
        return taken;
    }

    public ulong Word(ulong address) => BitConverter.ToUInt64(_memory.Span(new PhysicalAddress(address), 8));

    public void SetWord(ulong address, ulong word) => BitConverter.TryWriteBytes(_memory.Span(new PhysicalAddress(address), 8), word);

    public uint Read(uint register)
    {
        Assert.True(Unit.TryRead(register, 4, out var value));
        return (uint)value;
    }

    public void Write(uint register, uint value) => Assert.True(Unit.TryWrite(register, 4, value));

    public void Write64(uint register, ulong value) => Assert.True(Unit.TryWrite(register, 8, value));

    /// <summary>Maps a page of 4 KiB in tables of four levels, or where a leaf of a higher level is wanted a block.</summary>
    public void Map(ulong root, ulong input, ulong output, ulong bits, int level = 3, int startLevel = 0)
    {
        var table = root;
        for (var at = startLevel; at < level; at++)
        {
            // A root of stage 2 may be several tables side by side.
            var entry = table + ((input >> (39 - (9 * at)) & (at == startLevel ? 0x1FFFu : 0x1FF)) * 8);
            if (Word(entry) == 0)
                SetWord(entry, Take(4096) | 3);
            table = Word(entry) & 0x0000_FFFF_FFFF_F000;
        }

        SetWord(table + ((input >> (39 - (9 * level)) & 0x1FF) * 8), output | (level == 3 ? bits : bits & ~2ul));
    }

    /// <summary>A context descriptor of 48 bits each way over a table of four levels.</summary>
    public static SmmuV3ContextDescriptor Context(ulong root, uint asid = 1)
    {
        var descriptor = default(SmmuV3ContextDescriptor);
        descriptor.IsValid = descriptor.IsIn64 = descriptor.Records = descriptor.Aborts = descriptor.IsOwnAsid = true;
        descriptor.SetControl(0, 16, 0, 1, 1, 3);
        descriptor.SetOff(1, true);
        descriptor.OutputSize = 5;
        descriptor.Asid = asid;
        descriptor.SetTable(0, root);
        descriptor.MemoryAttributes = 0xF404_FF44;
        return descriptor;
    }

    /// <summary>An entry of stage 1 without substreams.</summary>
    public static SmmuV3StreamEntry Stage1(ulong contexts) => new()
    {
        IsValid = true,
        Config = SmmuV3StreamConfig.Stage1,
        Contexts = contexts,
        ContextAttributes = 0x35,
    };

    /// <summary>An entry of stage 2: 40 bits, two tables of level 1 side by side.</summary>
    public static SmmuV3StreamEntry Stage2(ulong root, uint vmid = 1) => new()
    {
        IsValid = true,
        Config = SmmuV3StreamConfig.Stage2,
        Vmid = vmid,
        Stage2Control = 24 | (1 << 6) | (1 << 8) | (1 << 10) | (3 << 12) | (0 << 14) | (5 << 16),
        IsStage2In64 = true,
        RecordsStage2 = true,
        Stage2Table = root,
    };

    public void Set(uint stream, in SmmuV3StreamEntry entry) => SetWords(StreamTable + (stream * (ulong)SmmuV3Words.Bytes), entry.Words);

    public void SetWords(ulong address, SmmuV3Words words)
    {
        for (var i = 0; i < SmmuV3Words.Count; i++)
            SetWord(address + (ulong)(8 * i), words[i]);
    }

    /// <summary>Puts a stream behind stage 1 tables of its own.</summary>
    /// <returns>The root, and where its context descriptor lies.</returns>
    public (ulong Root, ulong Descriptor) Attach(uint stream, uint asid = 1, Action<SmmuV3ContextDescriptor[]>? change = null)
    {
        var (root, at) = (Take(4096), Take(64));
        SmmuV3ContextDescriptor[] descriptor = [Context(root, asid)];
        change?.Invoke(descriptor);
        SetWords(at, descriptor[0].Words);
        Set(stream, Stage1(at));
        return (root, at);
    }

    /// <summary>Lets the unit consume commands.</summary>
    public void Do(params ReadOnlySpan<SmmuV3Command> commands)
    {
        foreach (var command in commands)
            Put(command);
        Write(SmmuV3Register.CommandQueueProducer, _commands);
    }

    public void Put(SmmuV3Command command)
    {
        var ring = new SmmuV3Ring(QueueLog2);
        var at = CommandQueue + (ring.IndexOf(_commands) * (ulong)SmmuV3Command.Bytes);
        SetWord(at, command.Low);
        SetWord(at + 8, command.High);
        _commands = ring.Next(_commands);
    }

    /// <summary>The events since the last look, which are taken out of the queue.</summary>
    public SmmuV3Event[] Events()
    {
        var ring = new SmmuV3Ring(QueueLog2);
        var found = new List<SmmuV3Event>();
        var producer = Read(SmmuV3Register.EventQueueProducer);
        for (; !ring.IsEmpty(producer, _events); _events = ring.Next(_events))
        {
            var at = EventQueue + (ring.IndexOf(_events) * (ulong)SmmuV3Event.Bytes);
            found.Add(new SmmuV3Event(Word(at), Word(at + 8), Word(at + 16), Word(at + 24)));
        }

        Write(SmmuV3Register.EventQueueConsumer, _events | (producer & SmmuV3Ring.OverflowBit));
        return [.. found];
    }

    public SmmuV3Event Event() => Assert.Single(Events());

    public TranslationResult Ask(uint stream, ulong iova, DmaAccess access = DmaAccess.Read, uint? substream = null,
        AccessFlags flags = AccessFlags.None, TranslationKind kind = TranslationKind.Untranslated)
    {
        var requester = new Requester(new StreamId(stream), substream is { } ssid ? new Pasid(ssid) : null, flags);
        return Unit.Translate(new BusRequest(requester, new Iova(iova), access, kind: kind));
    }

    /// <summary>Where an access leads; nowhere is 0.</summary>
    public ulong Reaches(uint stream, ulong iova, DmaAccess access = DmaAccess.Read, uint? substream = null)
    {
        var result = Ask(stream, iova, access, substream);
        return result.Status == TranslationStatus.Ok ? result.Address.Value : 0;
    }
}
