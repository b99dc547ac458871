using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>Single root I/O virtualisation of a function: its virtual functions, and the BARs that they have together.</summary>
internal sealed class SriovCapability : PciCapability
{
    private const uint Pages = 1; // of 4 KiB

    private readonly PciFunction _physical;
    private readonly ConfigurationSpace _space;

    public SriovCapability(PciFunction physical, SriovOptions options)
        : base(physical.Configuration.AddExtended(ExtendedCapabilityId.Sriov, 1, SriovRegisters.Length), SriovRegisters.Length)
    {
        _physical = physical;
        _space = physical.Configuration;
        Functions = [.. Enumerable.Range(0, options.Total).Select(options.Make)];
        if (Functions.Any(function => function is null or PciBridge || function.Options.Sriov is not null || function.Bus is not null))
            throw new ApertureException(
                Status.InvalidArgument, "a virtual function is neither a bridge nor in a slot, and has none itself");
        _space.Define16(Offset + SriovRegisters.Control, 0,
            SriovRegisters.Enable | SriovRegisters.MemorySpace | SriovRegisters.AriHierarchy);
        _space.Define16(Offset + SriovRegisters.InitialVfs, (ushort)options.Total);
        _space.Define16(Offset + SriovRegisters.TotalVfs, (ushort)options.Total);
        _space.Define16(Offset + SriovRegisters.NumVfs, 0, ushort.MaxValue);
        _space.Define16(Offset + SriovRegisters.FirstOffset, (ushort)options.FirstOffset);
        _space.Define16(Offset + SriovRegisters.Stride, (ushort)options.Stride);
        _space.Define16(Offset + SriovRegisters.Device, options.Device);
        _space.Define32(Offset + SriovRegisters.SupportedPages, Pages);
        _space.Define32(Offset + SriovRegisters.SystemPage, Pages, Pages);
        DefineBars();
        foreach (var function in Functions)
            function.BecomeVirtual(physical);
    }

    public IReadOnlyList<PciFunction> Functions { get; }

    /// <summary>Whether the virtual functions answer in memory space.</summary>
    public bool HasMemorySpace => IsOn(SriovRegisters.Enable | SriovRegisters.MemorySpace);

    /// <summary>Where a BAR of a virtual function begins.</summary>
    public ulong AddressOf(PciFunction function, int number)
    {
        var register = Offset + SriovRegisters.Bar0 + (4 * (uint)number);
        var value = new BaseAddress(_space.Get32(register));
        var first = value.Address | (value.IsWide ? (ulong)_space.Get32(register + 4) << 32 : 0);
        return first + ((ulong)IndexOf(function) * function.Bars[number]!.Size);
    }

    public override ConfigurationEffects AfterWrite(in ConfigurationWrite write)
    {
        _physical.SetVirtualFunctions(IsOn(SriovRegisters.Enable)
            ? Math.Min(_space.Get16(Offset + SriovRegisters.NumVfs), Functions.Count)
            : 0);
        return ConfigurationEffects.Routes;
    }

    public override void Reset() => _physical.SetVirtualFunctions(0);

    private int IndexOf(PciFunction function)
    {
        for (var i = 0; i < Functions.Count; i++)
        {
            if (Functions[i] == function)
                return i;
        }

        return 0;
    }

    private bool IsOn(ushort bits) => (_space.Get16(Offset + SriovRegisters.Control) & bits) == bits;

    private void DefineBars()
    {
        for (var number = 0; number < PciRegisters.Bars; number++)
        {
            if (Functions[0].Bars[number] is not { } bar)
                continue;
            var register = Offset + SriovRegisters.Bar0 + (4 * (uint)number);
            var type = (bar.Is64Bit ? BaseAddress.Wide : 0) | (bar.IsPrefetchable ? BaseAddress.Prefetchable : 0);
            _space.Define32(register, type, ~(bar.Size - 1) & BaseAddress.AddressMask);
            if (bar.Is64Bit)
                _space.Define32(register + 4, 0, uint.MaxValue);
        }
    }
}
