using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;

namespace Aperture.Drivers.SmmuV3;

/// <summary>The event queue or the page request queue: the unit writes, the driver reads. Used under the lock of the unit's
/// registers.</summary>
/// <param name="registers">The unit's registers.</param>
/// <param name="entries">The records.</param>
/// <param name="recordBytes">Bytes of one.</param>
/// <param name="entriesLog2">Log2 of their number.</param>
/// <param name="baseRegister">The register of its base.</param>
/// <param name="producerRegister">That of the producer; the consumer's follows.</param>
internal sealed class SmmuV3RecordQueue(
    RegisterRegion registers, SmmuV3Block entries, int recordBytes, int entriesLog2, uint baseRegister, uint producerRegister)
{
    private readonly SmmuV3Ring _ring = new(entriesLog2);
    private uint _consumer; // behind the last record that was read, with the loss that was seen

    /// <summary>How many records it holds.</summary>
    public int Capacity => 1 << entriesLog2;

    /// <summary>How often records were lost because the queue was full.</summary>
    public ulong Overflows { get; private set; }

    /// <summary>The event queue of a unit.</summary>
    public static SmmuV3RecordQueue Events(
        RegisterRegion registers, ITableMemory tables, SmmuV3Identity unit, SmmuV3DriverOptions options)
    {
        var size = Math.Max(1, Math.Min(unit.Sizes.EventsLog2, options.EventsLog2));
        var entries = SmmuV3Block.Make(tables, SmmuV3Event.Bytes << size, unit.OutputBits, "an event queue");
        return new SmmuV3RecordQueue(
            registers, entries, SmmuV3Event.Bytes, size, SmmuV3Register.EventQueueBase, SmmuV3Register.EventQueueProducer);
    }

    /// <summary>The page request queue of a unit; null where it has none.</summary>
    public static SmmuV3RecordQueue? PageRequests(
        RegisterRegion registers, ITableMemory tables, SmmuV3Identity unit, SmmuV3DriverOptions options)
    {
        if (!unit.HasPageRequests)
            return null;
        var size = Math.Max(2, Math.Min(unit.Sizes.PageRequestsLog2, options.PageRequestsLog2));
        var entries = SmmuV3Block.Make(tables, SmmuV3PageRequest.Bytes << size, unit.OutputBits, "a page request queue");
        return new SmmuV3RecordQueue(
            registers,
            entries,
            SmmuV3PageRequest.Bytes,
            size,
            SmmuV3Register.PageRequestQueueBase,
            SmmuV3Register.PageRequestQueueProducer);
    }

    /// <summary>Whether the unit's registers are as they were left: not after its power was off, or in somebody else's hands.</summary>
    public bool IsSet => registers.Read64(baseRegister) == SmmuV3QueueBase.Of(entries.Address.Value, entriesLog2).Value;

    /// <summary>Gives memory back.</summary>
    public void Free() => entries.Free();

    /// <summary>Makes the queue empty. The unit's must be off.</summary>
    public void Reset()
    {
        _consumer = 0;
        registers.Write64(baseRegister, SmmuV3QueueBase.Of(entries.Address.Value, entriesLog2).Value);
        registers.Write32(producerRegister, 0);
        registers.Write32(producerRegister + sizeof(uint), 0);
    }

    /// <summary>Takes all records out.</summary>
    /// <param name="take">Gets the number of a word in the queue's memory at which a record begins, and reads it by
    /// <see cref="Load"/>.</param>
    /// <returns>Whether there was anything to do.</returns>
    public bool Drain(Action<int> take)
    {
        var producer = registers.Read32(producerRegister);
        var place = _ring.PlaceOf(_consumer);
        var isLost = ((producer ^ _consumer) & SmmuV3Ring.OverflowBit) != 0;
        if (_ring.Count(producer, place) > _ring.Entries)
            place = _ring.PlaceOf(producer); // the unit has lost its registers
        if (_ring.IsEmpty(producer, place) && !isLost)
            return false;
        for (; !_ring.IsEmpty(producer, place); place = _ring.Next(place))
        {
            var offset = (int)_ring.IndexOf(place) * recordBytes;
            entries.Refresh(offset, recordBytes);
            take(offset);
        }

        Overflows += isLost ? 1u : 0;
        _consumer = place | (producer & SmmuV3Ring.OverflowBit);
        registers.Write32(producerRegister + sizeof(uint), _consumer);
        return true;
    }

    /// <summary>A word of a record.</summary>
    /// <param name="offset">As given to the taker, and 8 more for each word.</param>
    public ulong Load(int offset) => entries.Load(offset);
}
