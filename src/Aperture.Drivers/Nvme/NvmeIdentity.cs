using System.Buffers.Binary;
using System.Text;

namespace Aperture.Drivers.Nvme;

/// <summary>What an NVMe controller says of itself. Source: NVM Express 1.4, figure 247.</summary>
public sealed record NvmeIdentity
{
    /// <summary>Serial number.</summary>
    public required string Serial { get; init; }

    /// <summary>Model.</summary>
    public required string Model { get; init; }

    /// <summary>Firmware revision.</summary>
    public required string Firmware { get; init; }

    /// <summary>MDTS: log2 of the most smallest pages of a command; 0 for no limit.</summary>
    public required int TransferPagesLog2 { get; init; }

    /// <summary>ACL: commands to abort that may be under way at once.</summary>
    public required int Aborts { get; init; }

    /// <summary>AERL: requests for events that may wait at once.</summary>
    public required int AsyncEvents { get; init; }

    /// <summary>NN: the highest number of a namespace.</summary>
    public required uint Namespaces { get; init; }

    /// <summary>Whether it compares.</summary>
    public required bool HasCompare { get; init; }

    /// <summary>Whether it deallocates.</summary>
    public required bool HasDeallocate { get; init; }

    /// <summary>Whether it writes zeroes.</summary>
    public required bool HasWriteZeroes { get; init; }

    /// <summary>Whether it has a volatile write cache.</summary>
    public required bool HasWriteCache { get; init; }

    /// <summary>Whether it takes SGLs.</summary>
    public required bool HasSgls { get; init; }

    /// <summary>Whether an SGL's addresses and lengths must be multiples of 4.</summary>
    public required bool HasAlignedSgls { get; init; }

    internal static NvmeIdentity Parse(ReadOnlySpan<byte> data)
    {
        var commands = BinaryPrimitives.ReadUInt16LittleEndian(data[520..]);
        var lists = BinaryPrimitives.ReadUInt32LittleEndian(data[536..]) & 3;
        return new NvmeIdentity
        {
            Serial = Text(data.Slice(4, 20)),
            Model = Text(data.Slice(24, 40)),
            Firmware = Text(data.Slice(64, 8)),
            TransferPagesLog2 = data[77],
            Aborts = data[258] + 1,
            AsyncEvents = data[259] + 1,
            Namespaces = BinaryPrimitives.ReadUInt32LittleEndian(data[516..]),
            HasCompare = (commands & 1) != 0,
            HasDeallocate = (commands & 4) != 0,
            HasWriteZeroes = (commands & 8) != 0,
            HasWriteCache = (data[525] & 1) != 0,
            HasSgls = lists is 1 or 2,
            HasAlignedSgls = lists == 2,
        };
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes).Trim(' ', '\0');
}
