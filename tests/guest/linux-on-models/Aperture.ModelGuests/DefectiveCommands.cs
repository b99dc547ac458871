using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Bus;

namespace Aperture.ModelGuests;

/// <summary>The registers of an SMMUv3 that takes every command which drops translations for one that does nothing.</summary>
internal sealed class DefectiveCommands(SystemBus bus, IMmioDevice unit) : IMmioDevice
{
    public uint Size => unit.Size;

    public bool TryRead(uint offset, int width, out ulong value) => unit.TryRead(offset, width, out value);

    public bool TryWrite(uint offset, int width, ulong value)
    {
        if (offset == SmmuV3Register.CommandQueueProducer)
            Blunt((uint)value);
        return unit.TryWrite(offset, width, value);
    }

    private void Blunt(uint producer)
    {
        unit.TryRead(SmmuV3Register.CommandQueueBase, sizeof(ulong), out var register);
        unit.TryRead(SmmuV3Register.CommandQueueConsumer, sizeof(uint), out var consumer);
        var queue = new SmmuV3QueueBase(register);
        var ring = new SmmuV3Ring(queue.EntriesLog2);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        for (var at = ring.PlaceOf((uint)consumer); !ring.IsEmpty(producer, at); at = ring.Next(at))
        {
            var place = new PhysicalAddress(queue.Address + (ring.IndexOf(at) * (ulong)SmmuV3Command.Bytes));
            if (!bus.TryRead(place, word)
                || (SmmuV3Opcode)word[0] is not (>= SmmuV3Opcode.TlbAll and <= SmmuV3Opcode.TlbNonSecureAll))
                continue;
            BinaryPrimitives.WriteUInt64LittleEndian(word, (byte)SmmuV3Opcode.PrefetchConfig);
            bus.TryWrite(place, word);
        }
    }
}
