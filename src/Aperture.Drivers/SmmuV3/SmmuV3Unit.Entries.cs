using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>The entries of streams.</summary>
public sealed partial class SmmuV3Unit
{
    private const uint CoherentAttributes = 0x35; // S1CIR, S1COR 1: write-back; S1CSH 3: inner shareable
    private const uint IncomingShareability = 1;

    private readonly SortedSet<uint> _known = []; // streams of masters that were or are here

    /// <summary>Follows one change of the books, which hold already. Afterwards nothing of what was before is left.</summary>
    /// <param name="master">Who moved.</param>
    /// <param name="previous">What it, or a process of it, was in; null for nothing.</param>
    /// <param name="newStreams">Streams in a part of the table that the unit has not seen.</param>
    private void Move(SmmuV3Master master, IommuDomain? previous, List<uint>? newStreams)
    {
        foreach (var stream in newStreams ?? [])
            _commands.Add(SmmuV3Command.DropStream(stream));
        var isOn = MayTranslate(master);
        if (master.IsAtsOn && !isOn)
            SetServices(master, isOn);
        foreach (var stream in master.Streams)
            Change(stream.Value);
        Forget(previous);
        DropDeviceTranslations(master, null); // what it asks for from here on the unit gives out by the new entry alone
        if (isOn && master.HasAts)
            SetServices(master, isOn);
    }

    /// <summary>Makes the unit drop the translations of a domain that nobody is in any more.</summary>
    private void Forget(IommuDomain? domain)
    {
        if (domain is SmmuV3NestedDomain nested)
        {
            if (ContextOf(nested.Parent) is { } machine)
            {
                _commands.Add(SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, (uint)machine.Number));
                _commands.Sync();
            }

            domain = nested.Parent;
        }

        if (domain is null || IsUsed(domain) || ContextOf(domain) is not { } context)
            return;
        DropAll(context.IsStage2, (uint)context.Number);
        _commands.Sync();
    }

    /// <summary>Brings the entry of a stream to where its owner is.</summary>
    private void Change(uint stream)
    {
        var (block, offset) = _streams.Find(stream);
        var entry = new Entry(this, block, offset, stream, null, 0);
        var target = EntryOf(OwnerOf(stream));
        var now = default(SmmuV3StreamEntry);
        var words = now.Words;
        words[0] = entry.Load(0);
        words[2] = entry.Load(2);
        now.Words = words;
        var isUp = now.IsValid && now.Config == SmmuV3StreamConfig.Stage1 && target.Config == SmmuV3StreamConfig.Stage2;
        var isDown = now.IsValid && now.Config == SmmuV3StreamConfig.Stage2 && target.Config == SmmuV3StreamConfig.Stage1;
        if (isUp || isDown)
            ChangeStage(ref entry, target, isUp);
        else
            SmmuV3EntryWriter.Write(ref entry, target.Words, SmmuV3UsedBits.OfStream);
    }

    /// <summary>Goes from one stage to the other. Stage 1 alone has the number of a virtual machine, too: it has stage 2's for a moment, so
    /// that one word decides. What is translated meanwhile is kept under both numbers.</summary>
    private void ChangeStage(ref Entry entry, in SmmuV3StreamEntry target, bool isUp)
    {
        var between = target;
        if (isUp)
        {
            var words = default(SmmuV3Words);
            for (var i = 0; i < SmmuV3Words.Count; i++)
                words[i] = entry.Load(i);
            between.Words = words;
            between.Vmid = target.Vmid;
        }
        else
        {
            between.Vmid = (uint)entry.Load(2) & 0xFFFF;
        }

        SmmuV3EntryWriter.Write(ref entry, between.Words, SmmuV3UsedBits.OfStream);
        SmmuV3EntryWriter.Write(ref entry, target.Words, SmmuV3UsedBits.OfStream);
        DropAll(isStage2: true, between.Vmid);
        _commands.Sync();
    }

    private SmmuV3StreamEntry EntryOf(SmmuV3Master? owner)
    {
        var entry = new SmmuV3StreamEntry { IsValid = true };
        if (owner is null)
            return entry;
        if (owner.Domain is SmmuV3NestedDomain nested)
            return EntryOf(owner, nested);
        var context = ContextOf(owner.Domain);
        var passes = owner.Domain is { Type: DomainType.Identity };
        if (owner.Table is { } table)
        {
            entry.Contexts = table.Root;
            entry.ContextFormat = table.Format;
            entry.SubstreamBits = table.Bits;
            entry.NoSubstream = passes ? SmmuV3NoSubstream.Bypass
                : context is null ? SmmuV3NoSubstream.Terminate : SmmuV3NoSubstream.UseFirst;
            DescribeStage1(ref entry, owner);
            SetShareability(ref entry, passes);
        }
        else if (context is { IsStage2: true })
        {
            context.Describe(ref entry, owner.Stalls);
            entry.Ats = owner.HasAts ? 1u : 0;
            SetShareability(ref entry, true);
        }
        else if (context is not null)
        {
            entry.Contexts = context.DescriptorOf(owner.Stalls);
            entry.NoSubstream = SmmuV3NoSubstream.UseFirst; // matters with processes only, and does not change when they come
            DescribeStage1(ref entry, owner);
        }
        else if (passes)
        {
            entry.Config = SmmuV3StreamConfig.Bypass;
            SetShareability(ref entry, true);
        }

        return entry;
    }

    private void DescribeStage1(ref SmmuV3StreamEntry entry, SmmuV3Master owner)
    {
        entry.Config = SmmuV3StreamConfig.Stage1;
        entry.ContextAttributes = _identity.IsCoherent ? CoherentAttributes : 0;
        entry.NeverStalls = _identity.Features.StallModel == 0 && !owner.Stalls;
        entry.Ats = owner.HasAts ? 1u : 0;
    }

    private void SetShareability(ref SmmuV3StreamEntry entry, bool isUsed)
    {
        if (isUsed && _identity.Sizes.CanOverride)
            entry.Shareability = IncomingShareability;
    }

    /// <summary>An entry or a descriptor in memory that the unit may be reading.</summary>
    private readonly struct Entry(SmmuV3Unit unit, SmmuV3Block block, int offset, uint stream, SmmuV3Master? master, uint substream)
        : ISmmuV3Entry
    {
        public ulong Load(int word) => block.Load(offset + (word * sizeof(ulong)));

        public void Store(int word, ulong value) => block.Store(offset + (word * sizeof(ulong)), value);

        public void Sync()
        {
            block.Clean(offset, SmmuV3Words.Bytes);
            if (master is not null)
            {
                unit.DropContexts(master, substream, leafOnly: true);
                return;
            }

            unit._commands.Add(SmmuV3Command.DropStream(stream, leafOnly: true));
            unit._commands.Sync();
        }
    }
}
