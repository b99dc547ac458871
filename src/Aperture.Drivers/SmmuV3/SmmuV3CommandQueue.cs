using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;

namespace Aperture.Drivers.SmmuV3;

/// <summary>The command queue: commands are gathered, and one write of the producer index hands all of them to the unit, with one SYNC at
/// their end that is waited for. Used under the lock of the unit's registers.</summary>
internal sealed partial class SmmuV3CommandQueue
{
    private const int Looks = 4; // in a row, before any time passes

    private static readonly TimeSpan s_interval = TimeSpan.FromMicroseconds(10);

    private readonly string _name; // of the unit, for messages
    private readonly RegisterRegion _registers;
    private readonly SmmuV3Block _entries;
    private readonly SmmuV3Block? _message; // the unit writes here when a SYNC is done; null where the consumer index tells
    private readonly SmmuV3Ring _ring;
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private uint _producer;  // behind the last command that was written to memory
    private uint _published; // behind the last one that the unit was told of
    private uint _consumer;  // as it was read last
    private uint _number;    // of the last message, so that an old one is none

    public SmmuV3CommandQueue(
        string name, RegisterRegion registers, ITableMemory tables, SmmuV3Identity unit, SmmuV3DriverOptions options, TimeProvider time)
    {
        (_name, _registers, _time, _limit) = (name, registers, time, options.Limit);
        _ring = new SmmuV3Ring(Math.Max(1, Math.Min(unit.Sizes.CommandsLog2, options.CommandsLog2)));
        var bytes = Math.Max((int)_ring.Entries * SmmuV3Command.Bytes, SmmuV3Words.Bytes);
        _entries = SmmuV3Block.Make(tables, bytes, unit.OutputBits, "a command queue");
        if (options.UsesMessages && unit.IsCoherent && unit.Features.Has(SmmuV3Features.Messages))
            _message = SmmuV3Block.TryMake(tables, SmmuV3Words.Bytes, unit.OutputBits);
    }

    /// <summary>SYNCs that were waited for.</summary>
    public ulong Syncs { get; private set; }

    /// <summary>How often the queue was full.</summary>
    public ulong TimesFull { get; private set; }

    /// <summary>Gives memory back.</summary>
    public void Free()
    {
        _entries.Free();
        _message?.Free();
    }

    /// <summary>Makes the queue empty. The unit's must be off.</summary>
    public void Reset()
    {
        (_producer, _published, _consumer, _refused, _errors) = (0, 0, 0, null, 0);
        _registers.Write64(SmmuV3Register.CommandQueueBase, SmmuV3QueueBase.Of(_entries.Address.Value, _ring.EntriesLog2).Value);
        _registers.Write32(SmmuV3Register.CommandQueueProducer, 0);
        _registers.Write32(SmmuV3Register.CommandQueueConsumer, 0);
    }

    /// <summary>Adds a command; the unit is told with <see cref="Sync"/>, or when the queue is full.</summary>
    /// <exception cref="ApertureException">As for <see cref="Sync"/>: there was no room, and none came.</exception>
    public void Add(in SmmuV3Command command)
    {
        if (_ring.IsFull(_producer, _consumer))
            MakeRoom();
        var offset = (int)_ring.IndexOf(_producer) * SmmuV3Command.Bytes;
        _entries.Store(offset, command.Low, command.High);
        _producer = _ring.Next(_producer);
    }

    /// <summary>Has everything that was added done, and waits for it.</summary>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: the queue stands still; <see cref="Status.IoError"/>: the unit
    /// refused a command, or cannot read its queue.</exception>
    public void Sync()
    {
        Syncs++;
        if (_message is null)
        {
            Add(SmmuV3Command.Synchronise());
            PublishAndLook();
        }
        else
        {
            Add(SmmuV3Command.SynchroniseBy(_message.Address.Value, ++_number));
            Publish();
        }

        Await(wholly: true);
        _errors = 0;
        if (_refused is not { } refused)
            return;
        _refused = null;
        throw refused;
    }

    private void MakeRoom()
    {
        TimesFull++;
        Publish();
        Await(wholly: false);
    }

    private void Publish()
    {
        if (_published == _producer)
            return;
        CleanNew();
        _registers.Write32(SmmuV3Register.CommandQueueProducer, _producer);
        _published = _producer;
    }

    private void PublishAndLook()
    {
        CleanNew();
        using var registers = _registers.Begin();
        registers.Write32(SmmuV3Register.CommandQueueProducer, _producer);
        _published = _producer;
        _consumer = _ring.PlaceOf(registers.Read32(SmmuV3Register.CommandQueueConsumer));
    }

    /// <summary>Makes the commands visible that the unit was not told of yet.</summary>
    private void CleanNew()
    {
        if (!_entries.NeedsClean)
            return;
        for (var place = _published; place != _producer; place = _ring.Next(place))
            _entries.Clean((int)_ring.IndexOf(place) * SmmuV3Command.Bytes, SmmuV3Command.Bytes);
    }

    /// <summary>Waits until all is consumed, or some.</summary>
    private void Await(bool wholly)
    {
        if (wholly && IsDone())
            return;
        for (var look = 0; look < Looks; look++)
        {
            if (HasAdvanced(wholly))
                return;
        }

        if (_time.WaitUntil((Queue: this, Wholly: wholly), static it => it.Queue.HasAdvanced(it.Wholly), s_interval, _limit))
            return;
        throw new ApertureException(
            Status.TimedOut,
            $"{_name} does not consume its commands: CMDQ_PROD is 0x{_producer:x}, CMDQ_CONS stays 0x{_consumer:x}");
    }

    private bool HasAdvanced(bool wholly)
    {
        if (wholly && IsDone())
            return true;
        _consumer = _ring.PlaceOf(_registers.Read32(SmmuV3Register.CommandQueueConsumer));
        if (_ring.Count(_producer, _consumer) > _ring.Entries)
        {
            throw new ApertureException(
                Status.IoError, $"{_name} lost its command queue: CMDQ_PROD is 0x{_producer:x}, CMDQ_CONS 0x{_consumer:x}");
        }

        if (wholly ? _ring.IsEmpty(_producer, _consumer) : !_ring.IsFull(_producer, _consumer))
            return true;
        TryHandleError();
        return false;
    }

    /// <summary>Whether the last SYNC has told that it is done, or the consumer index that was read last has.</summary>
    private bool IsDone()
    {
        if (_message is not null && (uint)_message.Load(0) == _number)
            _consumer = _producer;
        return _ring.IsEmpty(_producer, _consumer);
    }
}
