using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Hardware.Translation.Walking;
using OneStage = Aperture.Hardware.Translation.Walking.TableWalker<Aperture.Core.PageTables.Formats.ArmLpaeFormat,
    Aperture.Hardware.Translation.Walking.BusTableReader>;
using TwoStages = Aperture.Hardware.Translation.Walking.TableWalker<Aperture.Core.PageTables.Formats.ArmLpaeFormat,
    Aperture.Hardware.Translation.Walking.TableWalker<Aperture.Core.PageTables.Formats.ArmLpaeFormat,
        Aperture.Hardware.Translation.Walking.BusTableReader>>;

namespace Aperture.Hardware.SmmuV3;

/// <content>Stream table entries and context descriptors: how they are found, what they must be, and what is made of them.</content>
public sealed partial class SmmuV3
{
    /// <summary>The configuration of an access: kept, or read now.</summary>
    /// <param name="request">The access.</param>
    /// <param name="context">The configuration.</param>
    /// <param name="fault">Why there is none; an event that is not recorded has no id.</param>
    private bool TryConfigure(in BusRequest request, [NotNullWhen(true)] out StreamContext? context, out SmmuV3Event fault)
    {
        var (stream, substream) = (request.Stream.Value, request.Pasid?.Value);
        ref var place = ref _contexts[PlaceOf(stream, substream)];
        context = place;
        fault = default;
        if (context is not null && context.Stream == stream && context.Substream == substream)
            return true;
        if (!TryReadEntry(stream, substream, out var entry, out fault) || !TryMakeContext(stream, substream, entry, out context, out fault))
        {
            context = null;
            return false;
        }

        Keep(ref place, context);
        return true;
    }

    private bool TryReadEntry(uint stream, uint? substream, out SmmuV3StreamEntry entry, out SmmuV3Event fault)
    {
        entry = default;
        fault = SmmuV3Event.Of(SmmuV3EventId.BadStream, stream, substream);
        if ((_control2 & SmmuV3Register.RecordInvalidStreams) == 0)
            fault = default;
        var bits = Math.Min(_streamConfig.StreamBits, Options.StreamBits);
        if (bits < 32 && stream >> bits != 0)
            return false;
        var table = _streamTable & 0x000F_FFFF_FFFF_FFC0;
        ulong at;
        if (_streamConfig.Format == 1 && Options.HasTwoLevelStreams)
        {
            var split = _streamConfig.Split is 6 or 8 or 10 ? _streamConfig.Split : 6;
            var first = BitOperations.RoundUpToPowerOf2((ulong)SmmuV3StreamDirectoryEntry.Bytes << Math.Max(0, bits - split));
            var place = (table & ~(Math.Max(first, 64) - 1)) + ((stream >> split) * (ulong)SmmuV3StreamDirectoryEntry.Bytes);
            if (!TryReadWord(place, out var word))
            {
                fault = SmmuV3Event.Of(SmmuV3EventId.StreamFetch, stream, substream).WithFetch(place);
                return false;
            }

            var directory = new SmmuV3StreamDirectoryEntry(word);
            var index = stream & ((1u << split) - 1);
            if (directory.Span == 0 || directory.Span > split + 1 || index >> (directory.Span - 1) != 0)
                return false;
            at = (directory.Table & ~(((ulong)SmmuV3Words.Bytes << (directory.Span - 1)) - 1)) + (index * (ulong)SmmuV3Words.Bytes);
        }
        else
        {
            at = (table & ~(((ulong)SmmuV3Words.Bytes << bits) - 1)) + (stream * (ulong)SmmuV3Words.Bytes);
        }

        ConfigurationReads++;
        if (!TryReadWords(at, out var words))
        {
            fault = SmmuV3Event.Of(SmmuV3EventId.StreamFetch, stream, substream).WithFetch(at);
            return false;
        }

        entry.Words = words;
        fault = default;
        return true;
    }

    private bool TryMakeContext(uint stream, uint? substream, in SmmuV3StreamEntry entry, [NotNullWhen(true)] out StreamContext? context,
        out SmmuV3Event fault)
    {
        context = null;
        fault = SmmuV3Event.Of(SmmuV3EventId.BadStreamEntry, stream, substream);
        if (!entry.IsValid)
            return false;
        if (entry.Config == SmmuV3StreamConfig.Abort)
        {
            fault = default;
            return false;
        }

        var isFirst = entry.Config is SmmuV3StreamConfig.Stage1 or SmmuV3StreamConfig.Nested;
        var isSecond = entry.Config is SmmuV3StreamConfig.Stage2 or SmmuV3StreamConfig.Nested;
        var stage2 = default(OneStage);
        if (!IsLegal(entry, isFirst, isSecond) || (isSecond && !TryMakeStage2(entry, out stage2)))
            return false;

        // Which context descriptor.
        uint index = 0;
        if (!isFirst)
        {
            if (substream is not null)
                return Refuses(SmmuV3EventId.BadSubstream, stream, substream, out fault);
        }
        else if (substream is { } given)
        {
            if (entry.SubstreamBits == 0 || given >> entry.SubstreamBits != 0)
                return Refuses(SmmuV3EventId.BadSubstream, stream, substream, out fault);
            if (given == 0 && entry.NoSubstream == SmmuV3NoSubstream.UseFirst)
                return Refuses(SmmuV3EventId.StreamDisabled, stream, substream, out fault);
            index = given;
        }
        else if (entry.SubstreamBits != 0)
        {
            if (entry.NoSubstream == SmmuV3NoSubstream.Terminate)
                return Refuses(SmmuV3EventId.StreamDisabled, stream, substream, out fault);
            isFirst = entry.NoSubstream == SmmuV3NoSubstream.UseFirst;
        }

        var descriptor = default(SmmuV3ContextDescriptor);
        if (isFirst && !TryReadDescriptor(stream, substream, entry, index, isSecond, stage2, out descriptor, out fault))
            return false;
        var first = Array.Empty<OneStage>();
        var both = Array.Empty<TwoStages>();
        if (isFirst && !TryMakeStage1(entry, descriptor, isSecond, stage2, ref first, ref both))
            return Refuses(SmmuV3EventId.BadContext, stream, substream, out fault);

        var world = isFirst && entry.Regime == 2 ? TlbWorld.Hypervisor : TlbWorld.NonSecure;
        var vmid = world == TlbWorld.Hypervisor || !Options.HasStage2 ? 0 : entry.Vmid;
        context = new StreamContext
        {
            Stream = stream,
            Substream = substream,
            Entry = entry,
            HasStage1 = isFirst,
            HasStage2 = isSecond,
            Descriptor = descriptor,
            Tag = NumberOf(new TlbTag(vmid, isFirst ? descriptor.Asid : Stage2Asid, world)),
            First = first,
            Both = both,
            Second = stage2,
            LastTables = LastTablesOf(0),
            UpperLastTables = LastTablesOf(1),
            IsPlain = entry.Privilege < 2 && entry.Instruction < 2
                && !(isFirst && (descriptor.IgnoresTopByte(0) || descriptor.IgnoresTopByte(1))),
        };
        fault = default;
        return true;

        (int Shift, int Level) LastTablesOf(int half) => both.Length > 0 ? both[half].LastTables : first.Length > 0 ? first[half].LastTables
            : isSecond && half == 0 ? stage2.LastTables : default;
    }

    private static bool Refuses(SmmuV3EventId id, uint stream, uint? substream, out SmmuV3Event fault)
    {
        fault = SmmuV3Event.Of(id, stream, substream);
        return false;
    }

    /// <summary>The number of a tag. When there are too many machines the unit forgets everything and begins anew.</summary>
    private uint NumberOf(TlbTag tag)
    {
        if (_tags.TryGetNumber(tag, out var number))
            return number;
        DropContexts();
        _tlb.InvalidateAll();
        _steps.Clear();
        _tags.Clear();
        _hypervisor = _tags.NumberOf(new TlbTag(0, 0, TlbWorld.Hypervisor)) & TlbTag.VmidMask;
        EndAccesses();
        return _tags.NumberOf(tag);
    }

    /// <summary>Whether a valid entry is one that the unit can follow (IHI 0070, 5.2: C_BAD_STE).</summary>
    private bool IsLegal(in SmmuV3StreamEntry entry, bool isFirst, bool isSecond)
    {
        if ((isFirst && !Options.HasStage1) || (isSecond && !Options.HasStage2)
            || entry.Ats == 3 || (entry.Ats == 2 && !(isFirst && isSecond)))
            return false;
        if (isFirst)
        {
            if (entry.SubstreamBits > Options.SubstreamBits || entry.NoSubstream > SmmuV3NoSubstream.UseFirst)
                return false;
            if (entry.SubstreamBits > 0 && (entry.ContextFormat == 3 || (entry.ContextFormat != 0 && !Options.HasTwoLevelContexts)))
                return false;
            if (entry.Regime != 0 && !(entry.Regime == 2 && Options.HasHypervisor && !isSecond))
                return false;
            if (entry.NeverStalls && Options.AlwaysStalls)
                return false;
        }

        return !isSecond || (!(entry.StallsStage2 && Options.Stalls == 0) && !(!entry.StallsStage2 && Options.AlwaysStalls)
            && !(entry.MarksStage2Dirty && (Options.Updates < 2 || !entry.MarksStage2Used))
            && !(entry.MarksStage2Used && Options.Updates == 0));
    }

    private bool TryMakeStage2(in SmmuV3StreamEntry entry, out OneStage walker)
    {
        walker = default;
        var bits = SmmuV3AddressSizes.BitsOf(entry.Stage2OutputSize);
        if (!entry.IsStage2In64 || entry.Words.Get(2, 52, 1) != 0 || bits == 0
            || !TryMakeFormat(ArmLpaeKind.Stage2, entry.Stage2Size, entry.Stage2Granule, false, bits, entry.MarksStage2Dirty,
                out var format)
            || format.Control.StartLevel != entry.Stage2Start || (entry.Stage2Table & _outputMask) != 0)
        {
            return false;
        }

        walker = new OneStage(format, new BusTableReader(Bus, Options.IsCoherent), new PhysicalAddress(entry.Stage2Table),
            updates: (entry.MarksStage2Used || entry.IgnoresStage2AccessFlag ? TableUpdates.Accessed : 0)
                | (entry.MarksStage2Dirty ? TableUpdates.Dirty : 0),
            stage: 2);
        return true;
    }

    private bool TryMakeStage1(in SmmuV3StreamEntry entry, in SmmuV3ContextDescriptor descriptor, bool isSecond, in OneStage stage2,
        ref OneStage[] first, ref TwoStages[] both)
    {
        var bits = SmmuV3AddressSizes.BitsOf(descriptor.OutputSize);
        if (!descriptor.IsValid || !descriptor.IsIn64 || descriptor.IsBigEndian || bits == 0 || !descriptor.Aborts
            || (descriptor.Stalls && (Options.Stalls == 0 || entry.NeverStalls)) || (!descriptor.Stalls && Options.AlwaysStalls)
            || (descriptor.MarksUsed && Options.Updates == 0) || (descriptor.MarksDirty && (Options.Updates < 2 || !descriptor.MarksUsed)))
        {
            return false;
        }

        var updates = (descriptor.MarksUsed || descriptor.IgnoresAccessFlag ? TableUpdates.Accessed : 0)
            | (descriptor.MarksDirty ? TableUpdates.Dirty : 0);
        var output = isSecond ? Math.Min(bits, 64 - entry.Stage2Size) : bits;
        for (var half = 0; half < 2; half++)
        {
            if (descriptor.IsOff(half))
                continue;
            var root = descriptor.TableOf(half);
            if (!TryMakeFormat(ArmLpaeKind.Stage1, descriptor.SizeOf(half), GranuleOf(descriptor.GranuleOf(half), half), half == 1, bits,
                descriptor.MarksDirty, out var format) || root >> Math.Min(output, 63) != 0)
            {
                return false;
            }

            var table = new PhysicalAddress(root);
            if (isSecond)
            {
                both = both.Length == 0 ? new TwoStages[2] : both;
                both[half] = new TwoStages(format, stage2, table, updates: updates);
            }
            else
            {
                first = first.Length == 0 ? new OneStage[2] : first;
                first[half] = new OneStage(format, new BusTableReader(Bus, Options.IsCoherent), table, updates: updates);
            }
        }

        return true;
    }

    /// <summary>TG of both halves as TG0 has it.</summary>
    private static uint GranuleOf(uint code, int half) => half == 0 ? code : code switch { 1 => 2, 2 => 0, 3 => 1, _ => 3 };

    private bool TryMakeFormat(ArmLpaeKind kind, int size, uint granule, bool isUpper, int outputBits, bool tracksDirty,
        out ArmLpaeFormat format)
    {
        format = default;
        var (sizes, feature, most) = granule switch
        {
            0 => (ArmLpaeOptions.Granule4K, SmmuV3AddressSizes.Granule4K, 48),
            1 => (ArmLpaeOptions.Granule64K, SmmuV3AddressSizes.Granule64K, Options.OutputBits == 52 ? 52 : 48),
            2 => (ArmLpaeOptions.Granule16K, SmmuV3AddressSizes.Granule16K, 48),
            _ => (0ul, 0u, 0),
        };
        var input = 64 - size;
        if ((Options.Granules & feature) == 0 || input < 25 || input > most
            || (kind == ArmLpaeKind.Stage2 && input > Math.Max(40, Options.OutputBits)))
            return false;
        format = new ArmLpaeFormat(new ArmLpaeOptions
        {
            Kind = kind,
            InputBits = input,
            OutputBits = Math.Min(Math.Min(outputBits, Options.OutputBits), granule == 1 ? 52 : 48),
            PageSizes = sizes,
            Upper = isUpper,
            TracksDirty = tracksDirty,
            CoherentWalk = true,
        });
        return true;
    }

    private bool TryReadDescriptor(uint stream, uint? substream, in SmmuV3StreamEntry entry, uint index, bool isSecond, OneStage stage2,
        out SmmuV3ContextDescriptor descriptor, out SmmuV3Event fault)
    {
        descriptor = default;
        fault = default;
        var at = entry.Contexts;
        if (entry.SubstreamBits > 0 && entry.ContextFormat != 0)
        {
            var split = entry.ContextFormat == 1 ? 6 : 10;
            var place = at + ((index >> split) * (ulong)SmmuV3ContextDirectoryEntry.Bytes);
            Span<ulong> word = stackalloc ulong[1];
            if (!TryReadContextWords(stream, substream, entry, place, isSecond, stage2, word, out fault))
                return false;
            var directory = new SmmuV3ContextDirectoryEntry(word[0]);
            if (!directory.IsValid)
                return Refuses(SmmuV3EventId.BadSubstream, stream, substream, out fault);
            at = directory.Table + ((index & ((1u << split) - 1)) * (ulong)SmmuV3Words.Bytes);
        }
        else
        {
            at += index * (ulong)SmmuV3Words.Bytes;
        }

        ConfigurationReads++;
        var words = default(SmmuV3Words);
        if (!TryReadContextWords(stream, substream, entry, at, isSecond, stage2, words, out fault))
            return false;
        descriptor.Words = words;
        return true;
    }

    /// <summary>Reads words of a context descriptor or of their directory; with two stages stage 2 translates their address.</summary>
    private bool TryReadContextWords(uint stream, uint? substream, in SmmuV3StreamEntry entry, ulong at, bool isSecond, OneStage stage2,
        Span<ulong> words, out SmmuV3Event fault)
    {
        fault = default;
        for (var i = 0; i < words.Length; i++)
        {
            var place = new PhysicalAddress(at + ((ulong)i * sizeof(ulong)));
            var why = default(WalkFault);
            var isRead = isSecond ? stage2.TryRead(place, sizeof(ulong), out words[i], out why) : TryReadWord(place.Value, out words[i]);
            if (isRead)
                continue;
            fault = why.Kind is WalkFaultKind.None or WalkFaultKind.Bus
                ? SmmuV3Event.Of(SmmuV3EventId.ContextFetch, stream, substream).WithFetch(place.Value)
                : entry.RecordsStage2
                    ? SmmuV3Event.Of(IdOf(why.Kind), stream, substream).WithAccess(0, false, false, true)
                        .WithStage(true, SmmuV3EventClass.Context, why.Address)
                    : default;
            return false;
        }

        return true;
    }

    private bool TryReadWord(ulong at, out ulong word)
    {
        word = 0;
        return (at & _outputMask) == 0
            && Bus.TryReadMemory(new PhysicalAddress(at), MemoryMarshal.AsBytes(new Span<ulong>(ref word)), Options.IsCoherent);
    }

    private bool TryReadWords(ulong at, out SmmuV3Words words)
    {
        words = default;
        Span<byte> bytes = stackalloc byte[SmmuV3Words.Bytes];
        if ((at & _outputMask) != 0 || !Bus.TryReadMemory(new PhysicalAddress(at), bytes, Options.IsCoherent))
            return false;
        for (var i = 0; i < SmmuV3Words.Count; i++)
            words[i] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(i * sizeof(ulong))..]);
        return true;
    }
}
