using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <content>What happens to an access that the TLB does not serve at once.</content>
public sealed partial class TegraSmmu
{
    private ulong _walks;  // table walks made for accesses
    private bool _usesPtc; // whether the PTC is on

    private TranslationStatus TranslateOtherwise(in BusRequest request, int route, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        if (!Answers)
            return TranslationStatus.Aborted;
        if (route == IsHeld)
            return TranslationStatus.Stalled;
        var space = 1ul << (route >= 0 ? 32 : _soc.AddressBits);
        if (request.Address.Value >= space)
            return Refuse(TegraErrorKind.InvalidSmmuPage, request, default);

        address = new PhysicalAddress(request.Address.Value);
        contiguous = space - request.Address.Value;
        return TranslationStatus.Ok;
    }

    private TranslationStatus TranslateSlowly(in BusRequest request, uint asid, int index, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        uint word;
        if (index >= 0 && (Options.TlbHoldsEmpty || new TegraDescriptor(WordAt(index, request.Address)).IsValid))
        {
            word = WordAt(index, request.Address);
        }
        else
        {
            _walks++;
            if (!TryWalk(request, asid, index, out word))
                return Refuse(TegraErrorKind.DecodeError, request, default);
        }

        var needed = Needed(request);
        if ((word & needed) != needed)
            return Refuse(TegraErrorKind.InvalidSmmuPage, request, new TegraDescriptor(word & TegraDescriptor.RightsMask));
        address = TargetOf(word, request.Address, out contiguous);
        return TranslationStatus.Ok;
    }

    /// <summary>Reads the tables of an address space and fills a line of the TLB.</summary>
    /// <param name="request">The access.</param>
    /// <param name="asid">The address space.</param>
    /// <param name="index">The line that the group is in already, or -1.</param>
    /// <param name="word">The word of the page, with the rights of all levels.</param>
    /// <returns>False where a table could not be read.</returns>
    private bool TryWalk(in BusRequest request, uint asid, int index, out uint word)
    {
        word = 0;
        var address = (uint)request.Address.Value;
        var root = new TegraDescriptor(_tables[asid]);
        if (!root.IsValid)
            return true;
        if (!TryFetch(root.Address(_frameMask) + (address >> TegraDescriptor.SectionShift) * sizeof(uint), out var entry))
            return false;
        var directory = new TegraDescriptor(entry).And(root);
        if (!directory.IsLink)
        {
            if (!directory.IsValid)
                return true;
            if (TryTakeLine(asid, request.Address, TegraDescriptor.SectionShift, index, out var section))
                _lines[section * WordsOfLine] = directory.Value;
            word = PageOfSection(directory.Value, request.Address);
            return true;
        }

        Span<uint> group = stackalloc uint[WordsOfLine];
        var page = (address >> TegraDescriptor.PageShift) % TegraDescriptor.Count;
        var first = directory.Address(_frameMask) + ((page & ~(WordsOfLine - 1u)) * sizeof(uint));
        for (var i = 0; i < WordsOfLine; i++)
        {
            if (!TryFetch(first + ((ulong)i * sizeof(uint)), out entry))
                return false;
            group[i] = new TegraDescriptor(entry).And(directory).Value;
        }

        word = group[(int)page % WordsOfLine];
        if ((Options.TlbHoldsEmpty || new TegraDescriptor(word).IsValid) && TryTakeLine(asid, request.Address, TegraTlbFlush.GroupShift, index, out var line))
            group.CopyTo(_lines.AsSpan(line * WordsOfLine));
        return true;
    }

    private bool TryFetch(ulong address, out uint word) =>
        _usesPtc ? _ptc.TryRead(Bus, address, out word) : Bus.TryRead32(new PhysicalAddress(address), out word);

    /// <summary>A line for a group or section: the one that it is in, or another.</summary>
    private bool TryTakeLine(uint asid, Iova address, int shift, int index, out int line)
    {
        line = index;
        if (_firstLine == _tlb.Entries)
            return false;
        if (index >= 0)
            _tlb.Set(index, asid, address, shift, default, asid);
        else
            line = _tlb.Fill(asid, address, shift, default, asid, firstWay: _firstLine);
        return true;
    }
}
