using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <content>What happens to an access that the TLB does not serve at once.</content>
public sealed partial class TegraSmmu
{
    private ulong _walks;  // table walks made for accesses
    private bool _usesPtc; // whether the PTC is on
    private uint _ptcIndexMap; // which lines of it an address may use

    /// <inheritdoc/>
    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        var route = RouteOf(request);
        if (route < 0 || !Answers || request.Address.Value >= AddressSpace)
        {
            result = Otherwise(request, route);
            return;
        }

        var asid = (uint)route;
        var needed = Needed(request);
        var matches = _tlb.Lookup(asid, request.Address, out var index);
        uint word = 0;
        var walks = matches == 0 || !IsKnown(word = WordAt(index, request.Address));
        if (walks)
        {
            _walks++;
            if (!TryWalk(request, asid, index, out word))
            {
                result = Refuse(TegraErrorKind.DecodeError, request, default);
                return;
            }
        }

        if ((word & needed) != needed)
        {
            result = Refuse(TegraErrorKind.InvalidSmmuPage, request, new TegraDescriptor(word & TegraDescriptor.RightsMask));
            return;
        }

        result = ResultOf(word, request.Address);
        if (!walks)
            SetPart(index, asid, word, request.Address); // used again: the next time needs no lock
    }

    /// <summary>Makes a page of a line one that is found without the lock, if everybody may use it.</summary>
    private void SetPart(int index, uint asid, uint word, Iova address)
    {
        if ((word & TegraDescriptor.NonSecureBit) == 0)
            return;
        var page = ResultOf(word, address);
        _tlb.SetPart(index, asid, new TlbPage(
            address,
            TegraDescriptor.PageShift,
            page.Address,
            Protection: page.Protection,
            Attributes: page.Attributes));
    }

    private TranslationResult Otherwise(in BusRequest request, int route)
    {
        if (!Answers)
            return new TranslationResult(TranslationStatus.Aborted);
        if (route == IsHeld)
            return new TranslationResult(TranslationStatus.Stalled);
        var space = 1ul << (route >= 0 ? 32 : _soc.AddressBits);
        return request.Address.Value >= space ? Refuse(TegraErrorKind.InvalidSmmuPage, request, default) : PassThrough(request, space);
    }

    private static TranslationResult PassThrough(in BusRequest request, ulong space) =>
        new(TranslationStatus.Ok, new PhysicalAddress(request.Address.Value), space - request.Address.Value, Protection.ReadWrite);

    /// <summary>Whether a word of the TLB counts: an empty one is looked for again where the TLB does not hold such.</summary>
    private bool IsKnown(uint word) => Options.TlbHoldsEmpty || new TegraDescriptor(word).IsValid;

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
            var section = new TlbPage(request.Address, TegraDescriptor.SectionShift, Info: directory.Value, IsWhole: false);
            FillLine(asid, section, index);
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
        if (IsKnown(word))
        {
            var (low, high) = (group[0] | ((ulong)group[1] << 32), group[2] | ((ulong)group[3] << 32));
            index = FillLine(asid, new TlbPage(request.Address, TegraTlbFlush.GroupShift, default, low, high, IsWhole: false), index);
            for (var i = 0u; i < WordsOfLine && index >= 0; i++)
                SetPart(index, asid, group[(int)i], new Iova((address & ~GroupMask) + (i << TegraDescriptor.PageShift)));
        }

        return true;
    }

    /// <summary>Reads a table word, by the PTC while it is on.</summary>
    private bool TryFetch(ulong address, out uint word)
    {
        if (!_usesPtc)
            return Bus.TryRead32(new PhysicalAddress(address), out word);
        var atom = AtomOf(address);
        var line = PtcLineOf(atom);
        var at = (int)((address - atom) / sizeof(uint));
        if (_ptc.TryGet(line, atom, at, out word))
            return true;
        var words = _ptc.Take(line, atom);
        for (var i = 0; i < words.Length; i++)
        {
            if (Bus.TryRead32(new PhysicalAddress(atom + ((ulong)i * sizeof(uint))), out words[i]))
                continue;
            _ptc.Remove(line, atom);
            word = 0;
            return false;
        }

        word = words[at];
        return true;
    }

    private ulong AtomOf(ulong address) => address & ~((ulong)_soc.Atom - 1);

    private int PtcLineOf(ulong atom) => (int)((uint)(atom / (ulong)_soc.Atom) & _ptcIndexMap) & (_ptc.Lines - 1);

    /// <summary>Puts a group or section into the line that it is in, or into another.</summary>
    /// <returns>The line; -1 where all are switched off.</returns>
    private int FillLine(uint asid, in TlbPage page, int index)
    {
        if (_firstLine == _tlb.Entries)
            return -1;
        if (index < 0)
            return _tlb.Fill(asid, page, _firstLine);
        _tlb.Set(index, asid, page);
        return index;
    }
}
