using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>A guest's own address spaces: its context descriptors and tables of stage 1, over a domain of stage 2.</summary>
/// <remarks>
/// <para><see cref="NestedDomain.GuestTable"/> is the first two words of the guest's stream table entry: V, Config, S1Fmt, S1ContextPtr
/// and S1CDMax; S1DSS, S1CIR, S1COR, S1CSH, S1STALLD and EATS. An entry that bypasses stage 1 leads to the parent, one that is invalid or
/// aborts to nowhere.</para>
/// <para>A guest's numbers of address spaces are its own, within the virtual machine that the parent is; so are its numbers of streams:
/// what it says of a stream, of whichever, is done for every stream that is here.</para>
/// </remarks>
public sealed class SmmuV3NestedDomain : NestedDomain
{
    private const ulong Word0Mask = 0xF80F_FFFF_FFFF_FFFF; // S1CDMax, S1ContextPtr, S1Fmt, Config, V
    private const ulong Word1Mask = 3UL << 28 | 1UL << 27 | 0xFF; // EATS, S1STALLD, S1CSH to S1DSS

    internal SmmuV3NestedDomain(IommuDomain parent, ReadOnlySpan<ulong> guestTable)
        : base(parent, guestTable)
    {
        var words = default(SmmuV3Words);
        (words[0], words[1]) = (guestTable[0], guestTable[1]);
        Entry = new SmmuV3StreamEntry { Words = words };
    }

    /// <summary>The guest's entry.</summary>
    internal SmmuV3StreamEntry Entry { get; }

    /// <summary>Whether the guest's tables are used.</summary>
    internal bool HasStage1 => Entry is { IsValid: true, Config: SmmuV3StreamConfig.Stage1 };

    /// <summary>Whether nothing passes.</summary>
    internal bool Aborts => Entry is { IsValid: false } or { Config: SmmuV3StreamConfig.Abort };

    /// <inheritdoc/>
    /// <remarks>Commands of 16 bytes: TLBI_NH_ALL, TLBI_NH_ASID, TLBI_NH_VA, TLBI_NH_VAA, TLBI_NSNH_ALL, CFGI_CD, CFGI_CD_ALL and ATC_INV.
    /// When a unit fails none of them counts as done.</remarks>
    public override Status Invalidate(ReadOnlySpan<byte> commands, out int done)
    {
        done = 0;
        SmmuV3Unit[] units = [.. Units.Cast<SmmuV3Unit>()];
        var legal = new List<SmmuV3Command>(commands.Length / SmmuV3Command.Bytes);
        for (var rest = commands; rest.Length >= SmmuV3Command.Bytes; rest = rest[SmmuV3Command.Bytes..])
        {
            var command = new SmmuV3Command(
                BinaryPrimitives.ReadUInt64LittleEndian(rest), BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]));
            if (!Array.TrueForAll(units, unit => unit.IsGuests(command)) || !SmmuV3Unit.IsKindOfGuests(command.Opcode))
                break;
            legal.Add(command);
        }

        foreach (var unit in units)
        {
            var status = unit.Invalidate(this, legal);
            if (status != Status.Ok)
                return status;
        }

        done = legal.Count * SmmuV3Command.Bytes;
        return done == commands.Length ? Status.Ok : Status.InvalidArgument;
    }

    /// <summary>What of a guest's words cannot be; null when all of it can.</summary>
    /// <param name="guestTable">The words.</param>
    /// <param name="unit">The unit that would follow them.</param>
    internal static string? ProblemOf(ReadOnlySpan<ulong> guestTable, SmmuV3Identity unit)
    {
        if (guestTable.Length != 2)
            return $"{guestTable.Length} words of a guest's stream table entry, not 2";
        if ((guestTable[0] & ~Word0Mask) != 0)
            return $"word 0 of a guest's stream table entry with more than its fields of stage 1: 0x{guestTable[0]:x}";
        if ((guestTable[1] & ~Word1Mask) != 0)
            return $"word 1 of a guest's stream table entry with more than its fields of stage 1: 0x{guestTable[1]:x}";
        var words = default(SmmuV3Words);
        (words[0], words[1]) = (guestTable[0], guestTable[1]);
        var entry = new SmmuV3StreamEntry { Words = words };
        if (!entry.IsValid || entry.Config == SmmuV3StreamConfig.Abort)
            return null;
        if (entry.Config is not (SmmuV3StreamConfig.Bypass or SmmuV3StreamConfig.Stage1))
            return $"a guest's stream table entry with a stage 2 of its own: Config {(int)entry.Config}";
        if (entry.Ats > 1)
            return $"a guest's stream table entry with EATS {entry.Ats}";
        if (entry.Config == SmmuV3StreamConfig.Bypass)
            return null;
        if (entry.SubstreamBits > unit.Sizes.SubstreamBits)
            return $"a guest's substreams of {entry.SubstreamBits} bits where the unit has {unit.Sizes.SubstreamBits}";
        if (entry.SubstreamBits > 0 && (entry.ContextFormat == 3 || (entry.ContextFormat != 0 && !unit.HasTwoLevelContexts)))
            return $"a guest's context descriptors in the format {entry.ContextFormat}";
        if (entry.NoSubstream > SmmuV3NoSubstream.UseFirst)
            return $"a guest's stream table entry with S1DSS {(int)entry.NoSubstream}";
        return null;
    }
}
