using System.Buffers.Binary;

namespace Aperture.Drivers.Nvme;

/// <summary>Physical region pages: how a command of a controller with 4096 byte pages names its data. Source: NVM Express 1.4,
/// 4.3.</summary>
internal static class NvmePrp
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    /// <summary>Bytes of the list of the largest transfer, whatever the offset of its first byte: a power of two, so that a list that
    /// starts at a multiple of it crosses no page.</summary>
    /// <param name="maxTransfer">Bytes, at most 2 MiB.</param>
    public static int ListBytes(int maxTransfer) =>
        (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(((maxTransfer / PageBytes) + 1) * sizeof(ulong), 64));

    /// <summary>Names data.</summary>
    /// <param name="address">The first byte as the device finds it, a multiple of 4.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="list">Where a list goes that is needed for more than two pages.</param>
    /// <param name="listAddress">Where the device finds it.</param>
    /// <returns>PRP1 and PRP2.</returns>
    public static (ulong First, ulong Second) Build(ulong address, int length, Span<byte> list, ulong listAddress)
    {
        var next = (address & ~(ulong)(PageBytes - 1)) + PageBytes;
        var end = address + (uint)length;
        if (end <= next)
            return (address, 0);
        if (end - next <= PageBytes)
            return (address, next);
        for (var entry = 0; next < end; next += PageBytes, entry += sizeof(ulong))
            BinaryPrimitives.WriteUInt64LittleEndian(list[entry..], next);
        return (address, listAddress);
    }
}
