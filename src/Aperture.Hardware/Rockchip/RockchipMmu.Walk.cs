using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Rockchip;

/// <content>What happens to an access that the TLB does not serve: table walk, faults, retries; and how translations are forgotten.</content>
public sealed partial class RockchipMmu
{
    // The word kept with a TLB entry.
    private const ulong CanRead = 1;
    private const ulong CanWrite = 2;

    /// <param name="request">The access.</param>
    /// <param name="matches">How many TLB entries match; negative where nobody has looked.</param>
    /// <param name="index">The entry that does.</param>
    /// <param name="address">Where the access goes.</param>
    /// <param name="contiguous">Bytes that translate alike.</param>
    private TranslationStatus TranslateSlowly(in BusRequest request, int matches, int index, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        for (var retries = 0; ; retries++)
        {
            if (_mode == Mode.PassingThrough)
            {
                address = new PhysicalAddress(request.Address.Value);
                contiguous = (1UL << 32) - request.Address.Value;
                return TranslationStatus.Ok;
            }

            if (_mode == Mode.Held)
                return TranslationStatus.Stalled;
            var fault = Resolve(request, matches, index, out address, out contiguous);
            if (fault == RockchipMmuInterrupts.None)
                return TranslationStatus.Ok;

            address = default;
            contiguous = 0;
            Raise(fault, request); // runs the interrupt handler, which may let the access go on
            if (fault == RockchipMmuInterrupts.BusError || !_unit.Answers)
                return TranslationStatus.Aborted;
            if (retries >= _unit.MaxRetries)
                return TranslationStatus.Stalled;
            matches = -1;
        }
    }

    private RockchipMmuInterrupts Resolve(in BusRequest request, int matches, int index, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        if (matches < 0)
            matches = Tlb.Lookup(0, request.Address, out index);
        if (matches == 0)
        {
            Walks++;
            var fault = Walk((uint)request.Address.Value, out var page);
            if (fault != RockchipMmuInterrupts.None)
                return fault;
            var rights = (page.CanRead ? CanRead : 0) | (page.CanWrite ? CanWrite : 0);
            index = Tlb.Fill(0, request.Address, RockchipMmuEntry.PageShift, new PhysicalAddress(page.Address(_unit.Options.IsWide)), rights);
        }

        if ((Needed(request.Access) & ~Tlb.Info(index)) != 0)
            return RockchipMmuInterrupts.PageFault;
        address = Tlb.Translate(index, request.Address, out contiguous);
        return RockchipMmuInterrupts.None;
    }

    private RockchipMmuInterrupts Walk(uint address, out RockchipMmuEntry page)
    {
        page = default;
        var directory = new RockchipMmuEntry(_tableBase).Address(_unit.Options.IsWide);
        var number = address >> RockchipMmuEntry.DirectoryShift;
        var knowsLink = _directory.TryGet(number, out var word);
        if (!knowsLink && !TryReadEntry(directory, number, out word))
            return RockchipMmuInterrupts.BusError;
        var link = new RockchipMmuEntry(word);
        if (!link.IsValid)
            return RockchipMmuInterrupts.PageFault;

        var table = link.Address(_unit.Options.IsWide);
        var pageNumber = address >> RockchipMmuEntry.PageShift;
        var knowsPage = _pages.TryGet(pageNumber, out word);
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

    /// <summary>Remembers the line around an entry, unless it cannot be read whole.</summary>
    private void Keep(RockchipLineCache lines, ulong table, uint number)
    {
        var words = lines.Take(number, out var first);
        for (var i = 0; i < words.Length; i++)
        {
            if (TryReadEntry(table, first + (uint)i, out words[i]))
                continue;
            lines.Remove(number);
            return;
        }
    }

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
    }

    private void ZapLine(uint address)
    {
        Tlb.InvalidateAddress(0, new Iova(address));
        _directory.Remove(address >> RockchipMmuEntry.DirectoryShift);
        _pages.Remove(address >> RockchipMmuEntry.PageShift);
    }
}
