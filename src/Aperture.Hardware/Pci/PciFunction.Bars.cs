using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Pci;

// Base address registers, and where they answer.
public partial class PciFunction
{
    private readonly PciBar?[] _bars = new PciBar?[PciRegisters.Bars];

    /// <summary>The BARs by their numbers; null where there is none, and for the upper half of one with 64 bits.</summary>
    public IReadOnlyList<PciBar?> Bars => _bars;

    /// <summary>Gives the function a BAR, before it is put into a slot.</summary>
    /// <param name="number">Which: 0 to 5, of a bridge 0 or 1; one of 64 bits takes the next, too.</param>
    /// <param name="bar">The BAR.</param>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: there is one; <see cref="Status.OutOfRange"/>: there is no
    /// such number; <see cref="Status.Busy"/>: the function is in a slot.</exception>
    public void AddBar(int number, PciBar bar)
    {
        ArgumentNullException.ThrowIfNull(bar);
        var most = _header == PciRegisters.EndpointHeader ? PciRegisters.Bars : BridgeRegisters.Bars;
        var last = number + (bar.Is64Bit ? 1 : 0);
        if (number < 0 || last >= most)
            throw new ApertureException(Status.OutOfRange, $"there is no BAR {last} of a function with {most}");
        if (Bus is not null)
            throw new ApertureException(Status.Busy, $"{Address} is in its slot and gets no further BAR");
        if (_bars[number] is not null || _bars[last] is not null || (number > 0 && _bars[number - 1] is { Is64Bit: true }))
            throw new ApertureException(Status.AlreadyExists, $"there is a BAR {number} already");
        _bars[number] = bar;
        var type = (bar.Is64Bit ? BaseAddress.Wide : 0) | (bar.IsPrefetchable ? BaseAddress.Prefetchable : 0);
        var register = PciRegisters.Bar0 + (4 * (uint)number);
        Configuration.Define32(register, type, ~(bar.Size - 1) & BaseAddress.AddressMask);
        if (bar.Is64Bit)
            Configuration.Define32(register + 4, 0, uint.MaxValue);
    }

    /// <summary>The blocks in its BARs, each once, that have power, clock and reset.</summary>
    internal IEnumerable<BusDevice> Blocks =>
        _bars.OfType<PciBar>().SelectMany(bar => bar.Blocks).OfType<BusDevice>().Distinct();

    /// <summary>Where the function answers, as far as its bus passes anything on to it.</summary>
    internal IEnumerable<PciClaim> Claims()
    {
        var answers = IsVirtual ? Physical!._sriov!.HasMemorySpace : (Command & PciCommand.MemorySpace) != 0;
        if (!answers || !IsOn || Bus is null)
            yield break;
        for (var number = 0; number < _bars.Length; number++)
        {
            if (_bars[number] is not { } bar)
                continue;
            var first = IsVirtual ? Physical!._sriov!.AddressOf(this, number) : AddressOf(number, bar);
            if (first <= ulong.MaxValue - (bar.Size - 1))
                yield return new PciClaim(first, first + (bar.Size - 1), bar, first);
        }
    }

    private ulong AddressOf(int number, PciBar bar)
    {
        var register = PciRegisters.Bar0 + (4 * (uint)number);
        var address = (ulong)new BaseAddress(Configuration.Get32(register)).Address;
        return bar.Is64Bit ? address | ((ulong)Configuration.Get32(register + 4) << 32) : address;
    }
}

/// <summary>A range of bus addresses that a BAR answers.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="Bar">The BAR.</param>
/// <param name="Start">Where the BAR begins; before <paramref name="First"/> where a bridge cuts it.</param>
internal readonly record struct PciClaim(ulong First, ulong Last, PciBar Bar, ulong Start)
{
    /// <summary>What is left of it within a range; false for nothing.</summary>
    public bool TryCut(ulong first, ulong last, out PciClaim cut)
    {
        cut = this with { First = Math.Max(First, first), Last = Math.Min(Last, last) };
        return cut.First <= cut.Last;
    }
}
