using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Pocket.Tests.Hardware;

/// <summary>The Pocket MMU as silicon. Its translation cache holds sixteen pages, each in the place that its number gives, and forgets
/// nothing by itself: what software fails to invalidate stays.</summary>
/// <param name="bus">Where tables are read.</param>
internal sealed class PocketMmu(SystemBus bus) : TranslationUnit(bus)
{
    private const int Places = 16;
    private const uint Rights = 3;
    private const uint Table = 0x800;

    private readonly CachedPage[] _cache = new CachedPage[Places];
    private uint _control;
    private uint _root;
    private uint _faultStatus;
    private uint _faultAddress;
    private ulong _hits;
    private ulong _misses;
    private ulong _invalidations;
    private ulong _faults;

    public override uint Size => Bytes;

    /// <summary>Bytes of registers.</summary>
    public uint Bytes { get; init; } = PocketRegister.WindowSize;

    /// <summary>Whether whatever is mapped may be read and written: a unit that is broken.</summary>
    public bool IgnoresRights { get; init; }

    public override int CacheEntries => Places;

    public override TranslationCounters Counters => new(_hits, _misses, _invalidations, _faults);

    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        result = new TranslationResult(TranslationStatus.Aborted);
        if (!Answers)
            return;
        if ((_control & PocketRegister.Enable) == 0)
        {
            result = ResultOf(request.Address.Value, 0x1000 - (request.Address.Value & 0xFFF), Rights);
            return;
        }

        var entry = request.Address.Value <= uint.MaxValue ? Find((uint)request.Address.Value) : default;
        if ((entry.Rights & (IgnoresRights ? Rights : request.IsWrite ? 2u : 1u)) != 0)
        {
            var offset = (uint)request.Address.Value & (entry.Bytes - 1);
            result = ResultOf(entry.Address + offset, entry.Bytes - offset, entry.Rights);
            return;
        }

        Latch(request, entry.Rights != 0);
        UpdateInterrupt();
    }

    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = offset switch
        {
            PocketRegister.Id => PocketRegister.IdValue,
            PocketRegister.Control => _control,
            PocketRegister.Root => _root,
            PocketRegister.FaultStatus => _faultStatus,
            PocketRegister.FaultAddress => _faultAddress,
            _ => 0,
        };
        return Answers && width == sizeof(uint) && offset < Size;
    }

    protected override bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!Answers || width != sizeof(uint) || offset >= Size)
            return false;
        Set(offset, (uint)value);
        return true;
    }

    /// <summary>Sets a register as a write does.</summary>
    public void Poke(uint offset, uint value)
    {
        using (HoldRegisters())
            Set(offset, value);
    }

    private void Set(uint offset, uint value)
    {
        switch (offset)
        {
            case PocketRegister.Control:
                _control = value & (PocketRegister.Enable | PocketRegister.InterruptEnable);
                break;
            case PocketRegister.Root:
                _root = value & 0xFFFF_F000;
                break;
            case PocketRegister.Invalidate:
                Invalidate(value);
                break;
            case PocketRegister.FaultStatus:
                _faultStatus = _faultAddress = 0;
                break;
        }

        EndAccesses();
        UpdateInterrupt();
    }

    protected override void ResetRegisters()
    {
        _control = _root = _faultStatus = _faultAddress = 0;
        Array.Clear(_cache);
        UpdateInterrupt();
    }

    private static TranslationResult ResultOf(ulong address, ulong length, uint rights) =>
        new(TranslationStatus.Ok, new PhysicalAddress(address), length, (Protection)rights);

    private CachedPage Find(uint address)
    {
        ref var place = ref _cache[(address >> 12) % Places];
        if (place.Rights != 0 && place.Covers(address))
        {
            _hits++;
            return place;
        }

        _misses++;
        var found = Walk(address);
        if (found.Rights != 0)
            place = found;
        return found;
    }

    /// <summary>Two levels of 1024 words: 31..12 address, 11 table, 1 write, 0 read; a word with rights in the first level maps 4
    /// MiB.</summary>
    private CachedPage Walk(uint address)
    {
        if (!Bus.TryRead32(new PhysicalAddress(_root + (address >> 22 << 2)), out var entry))
            return default;
        if ((entry & Table) == 0)
            return new CachedPage(address & 0xFFC0_0000, 1u << 22, entry & 0xFFC0_0000, entry & Rights);
        return Bus.TryRead32(new PhysicalAddress((entry & 0xFFFF_F000) + (address >> 12 << 2 & 0xFFC)), out entry)
            ? new CachedPage(address & 0xFFFF_F000, 1u << 12, entry & 0xFFFF_F000, entry & Rights)
            : default;
    }

    private void Invalidate(uint value)
    {
        foreach (ref var place in _cache.AsSpan())
        {
            if (place.Rights == 0 || (value != PocketRegister.All && !place.Covers(value)))
                continue;
            place = default;
            _invalidations++;
        }
    }

    private void Latch(in BusRequest request, bool isMapped)
    {
        _faults++;
        if (_faultStatus != 0)
            return;
        _faultStatus = PocketRegister.Faulted
            | (request.IsWrite ? PocketRegister.FaultedWriting : 0)
            | (isMapped ? PocketRegister.FaultedOnRights : 0);
        _faultAddress = (uint)request.Address.Value;
    }

    private void UpdateInterrupt() => Interrupt.Set(_faultStatus != 0 && (_control & PocketRegister.InterruptEnable) != 0 && Answers);

    private readonly record struct CachedPage(uint Page, uint Bytes, uint Address, uint Rights)
    {
        public bool Covers(uint address) => (address & ~(Bytes - 1)) == Page;
    }
}
