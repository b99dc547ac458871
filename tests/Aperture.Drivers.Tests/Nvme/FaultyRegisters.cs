using Aperture.Devices;

namespace Aperture.Drivers.Tests.Nvme;

/// <summary>Registers that can stop to answer, or lose doorbells.</summary>
public sealed class FaultyRegisters(RegisterRegion inner) : RegisterRegion(inner.Name, inner.Size)
{
    /// <summary>Whether all reads are ones and writes are lost, as of a PCI function that was pulled out.</summary>
    public bool IsGone { get; set; }

    /// <summary>Whether nothing answers at all.</summary>
    public bool IsDead { get; set; }

    /// <summary>Whether writes of doorbells of I/O queues are lost.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>What CSTS reads as; null for what it is.</summary>
    public uint? Status { get; set; }

    public override uint Read32(uint offset) => IsDead ? throw new BusErrorException(Name, offset, isWrite: false)
        : IsGone ? uint.MaxValue : offset == 0x1C && Status is { } status ? status : inner.Read32(offset);

    public override void Write32(uint offset, uint value)
    {
        if (IsDead)
            throw new BusErrorException(Name, offset, isWrite: true);
        if (offset == 0x14 && (value & 1) == 0)
            Status = null; // a reset helps
        if (!IsGone && !(IsDeaf && offset >= 0x1008))
            inner.Write32(offset, value);
    }

    public override ulong Read64(uint offset) => Read32(offset) | (ulong)Read32(offset + 4) << 32;

    public override void Write64(uint offset, ulong value) => inner.Write64(offset, value);
}
