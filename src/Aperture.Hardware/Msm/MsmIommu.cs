using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Msm;

/// <summary>The IOMMU before a cluster of multimedia masters of Qualcomm's MSM8x60, MSM8960 and APQ8064: each machine ID leads to one of
/// a few context banks, each bank translates by ARM's short-descriptor tables, all share one TLB.</summary>
/// <remarks>An address of 4 GiB or more is aborted: the masters' ports have 32 address lines. An access that is stalled when the unit is
/// reset or loses power is lost, and aborted. While an access of a bank is stalled, so are all others of the bank. Sources: the vendor's
/// register list and recorded driver behaviour, see docs/units/msm-iommu.md; tables: ARM DDI 0406, B3.</remarks>
[SkipLocalsInit] // walks are too short to clear frames for
public sealed partial class MsmIommu : TranslationUnit
{
    private const int Vmids = 32;

    private readonly MsmContextBank[] _banks;
    private readonly MsmContextBank?[] _bankOf = new MsmContextBank?[MsmGlobalRegisters.Machines]; // by machine ID; null: none that exists
    private readonly uint[] _global = new uint[MsmContextRegisters.Stride / sizeof(uint)];          // the page of shared registers
    private readonly TranslationCache _tlb;
    private readonly uint[] _machines; // the numbers under which the TLB knows VMIDs
    private readonly uint[] _needs = new uint[8]; // the rights that an access needs, by direction and flags
    private ulong _faults;                        // faults and global errors since the unit was made
    private ulong _resets;                        // resets since the unit was made: an access held over a reset is lost
    private bool _clientsPass;                    // CR.CLIENTPD
    private int _locked;                          // locked TLB entries, from entry 0 on

    /// <summary>A unit in its reset state.</summary>
    /// <param name="bus">Where the walkers read tables.</param>
    /// <param name="options">Which unit it is.</param>
    /// <exception cref="ApertureException">An option is out of range.</exception>
    public MsmIommu(SystemBus bus, MsmIommuOptions options)
        : base(bus, LinesOf(options))
    {
        Options = options;
        var tags = new TlbTagTable();
        _machines = [.. Enumerable.Range(0, Vmids).Select(vmid => tags.NumberOf(new TlbTag((uint)vmid)))];
        _banks = [.. Enumerable.Range(0, options.Banks).Select(number => new MsmContextBank(number, _machines))];
        _tlb = new TranslationCache(1, options.TlbEntries, options.Replacement, Guard);
        for (var kind = 0; kind < _needs.Length; kind++)
        {
            var flags = (AccessFlags)(kind >> 1);
            var isPrivileged = options.MastersArePrivileged || (flags & AccessFlags.Privileged) != 0;
            _needs[kind] = (uint)NeedsOf((DmaAccess)(kind & 1), isPrivileged, (flags & AccessFlags.Instruction) != 0);
        }

        TranslatesUnclocked = !options.TranslationNeedsClock;
        UseRoutes(_bankOf.Length);
        Reset();
    }

    /// <summary>Which unit it is.</summary>
    public MsmIommuOptions Options { get; }

    /// <inheritdoc/>
    public override uint Size => MsmGlobalRegisters.WindowSize;

    /// <inheritdoc/>
    public override int CacheEntries => _tlb.Entries;

    /// <inheritdoc/>
    public override TranslationCounters Counters => new(QuickHits + _tlb.Hits, _tlb.Misses, _tlb.Invalidations, _faults);

    /// <inheritdoc/>
    protected override void ResetRegisters()
    {
        _resets++;
        Array.Clear(_global);
        foreach (var bank in _banks)
            bank.Reset();
        foreach (var (offset, value) in Options.ResetValues)
            Store(offset, value);
        _tlb.InvalidateAll();
        RefreshAll();
    }

    /// <summary>The place of an access in <see cref="_needs"/>: direction in bit 0, privilege and instruction above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int KindOf(in BusRequest request) =>
        (int)request.Access | ((int)(request.Flags & (AccessFlags.Privileged | AccessFlags.Instruction)) << 1);

    /// <summary>The binding gives two interrupts, the non-secure one first. Further ones have no names.</summary>
    private static string[] LinesOf(MsmIommuOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var lines = Enumerable.Range(0, options.InterruptLines);
        return [.. lines.Select(line => line switch { 0 => "nonsecure", 1 => "secure", _ => $"line{line}" })];
    }

    private static ArmRights NeedsOf(DmaAccess access, bool isPrivileged, bool isFetch = false)
    {
        if (access == DmaAccess.Write)
            return isPrivileged ? ArmRights.PrivilegedWrite : ArmRights.UserWrite;
        return (isPrivileged ? ArmRights.PrivilegedRead : ArmRights.UserRead) | (isFetch ? ArmRights.Execute : 0);
    }
}
