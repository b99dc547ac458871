using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Rockchip;

/// <content>What happens to an access that the TLB does not serve: table walk, faults, retries; and how translations are removed.</content>
public sealed partial class RockchipMmu
{
    // The word kept with a TLB entry: the rights of the answer.
    private const ulong CanRead = (ulong)Protection.Read;
    private const ulong CanWrite = (ulong)Protection.Write;

    /// <summary>Translates an access under the lock, while the unit answers.</summary>
    internal void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (attempt.IsBeyondLast || _mode == Mode.Held)
        {
            result = new TranslationResult(TranslationStatus.Stalled);
            return;
        }

        if (_mode == Mode.PassingThrough)
        {
            result = PassThrough(request);
            return;
        }

        var fault = Resolve(request, out result);
        if (fault == RockchipMmuInterrupts.None)
            return;
        Raise(fault, request);
        attempt.HasFaulted = fault != RockchipMmuInterrupts.BusError;
        result = new TranslationResult(attempt.HasFaulted ? TranslationStatus.Stalled : TranslationStatus.Aborted);
    }

    private static TranslationResult PassThrough(in BusRequest request) =>
        new(TranslationStatus.Ok, new PhysicalAddress(request.Address.Value), (1UL << 32) - request.Address.Value, Protection.ReadWrite);

    private RockchipMmuInterrupts Resolve(in BusRequest request, out TranslationResult result)
    {
        result = default;
        var matches = Tlb.Lookup(0, request.Address, out var index);
        if (matches == 0)
        {
            Walks++;
            var fault = Walk((uint)request.Address.Value, out var page);
            if (fault != RockchipMmuInterrupts.None)
                return fault;
            var rights = (page.CanRead ? CanRead : 0) | (page.CanWrite ? CanWrite : 0);
            var target = new PhysicalAddress(page.Address(_unit.Options.IsWide));
            index = Tlb.Fill(0, new TlbPage(request.Address, RockchipMmuEntry.PageShift, target, rights, Protection: (Protection)rights));
        }

        if ((Needed(request) & ~Tlb.Info(index)) != 0)
            return RockchipMmuInterrupts.PageFault;
        result = Tlb.Translate(index, request.Address);
        return RockchipMmuInterrupts.None;
    }

    private RockchipMmuInterrupts Walk(uint address, out RockchipMmuEntry page)
    {
        page = default;
        var directory = new RockchipMmuEntry(_tableBase).Address(_unit.Options.IsWide);
        var number = address >> RockchipMmuEntry.DirectoryShift;
        var knowsLink = TryGet(_directory, number, out var word);
        if (!knowsLink && !TryReadEntry(directory, number, out word))
            return RockchipMmuInterrupts.BusError;
        var link = new RockchipMmuEntry(word);
        if (!link.IsValid)
            return RockchipMmuInterrupts.PageFault;

        var table = link.Address(_unit.Options.IsWide);
        var pageNumber = address >> RockchipMmuEntry.PageShift;
        var knowsPage = TryGet(_pages, pageNumber, out word);
        if (!knowsPage && !TryReadEntry(table, pageNumber, out word))
            return RockchipMmuInterrupts.BusError;
        page = new RockchipMmuEntry(word);
        if (!page.IsValid)
            return RockchipMmuInterrupts.PageFault;
        if (!knowsLink)
            Keep(_directory, directory, number);
        if (!knowsPage)
            Keep(_pages, table, pageNumber);
        return RockchipMmuInterrupts.None;
    }

    private bool TryReadEntry(ulong table, uint number, out uint word) =>
        _bus.TryRead32(new PhysicalAddress(table + (number % RockchipMmuEntry.Count * sizeof(uint))), out word);

    private bool TryGet(StructureCache<uint> lines, uint number, out uint word) =>
        lines.TryGet(LineOf(lines, number), number >> _lineShift, (int)(number & ((1u << _lineShift) - 1)), out word);

    /// <summary>Keeps the line around an entry, unless it cannot be read whole.</summary>
    private void Keep(StructureCache<uint> lines, ulong table, uint number)
    {
        var words = lines.Take(LineOf(lines, number), number >> _lineShift);
        var first = number >> _lineShift << _lineShift;
        for (var i = 0; i < words.Length; i++)
        {
            if (TryReadEntry(table, first + (uint)i, out words[i]))
                continue;
            Remove(lines, number);
            return;
        }
    }

    private void Remove(StructureCache<uint> lines, uint number) => lines.Remove(LineOf(lines, number), number >> _lineShift);

    private int LineOf(StructureCache<uint> lines, uint number) => (int)(number >> _lineShift) & (lines.Lines - 1);

    private void Raise(RockchipMmuInterrupts fault, in BusRequest request)
    {
        Faults++;
        _faultAddress = (uint)request.Address.Value;
        if (fault == RockchipMmuInterrupts.PageFault)
            Change(RockchipMmuStatus.FaultMask, RockchipMmuStatus.Fault(request.IsWrite, request.Tag));
        _raw |= fault;
        _unit.UpdateInterrupt();
    }

    private void Zap()
    {
        Tlb.InvalidateAll();
        _directory.Clear();
        _pages.Clear();
        _unit.EndAccesses();
    }

    private void ZapLine(uint address)
    {
        Tlb.InvalidateAddress(0, new Iova(address));
        Remove(_directory, address >> RockchipMmuEntry.DirectoryShift);
        Remove(_pages, address >> RockchipMmuEntry.PageShift);
        _unit.EndAccesses();
    }
}
