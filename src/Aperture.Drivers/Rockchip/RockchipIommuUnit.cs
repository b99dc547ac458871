using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Rockchip;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Rockchip;

/// <summary>One Rockchip IOMMU: one table for one master, in one or more MMUs that are always programmed alike.</summary>
/// <remarks>Sequences after recorded driver behaviour; where this driver differs from the recorded one is in
/// docs/units/rockchip-iommu.md. The clocks are on only while registers are accessed: the master's driver holds them while the master
/// works.</remarks>
public sealed partial class RockchipIommuUnit : SingleContextUnit
{
    private const int MaxZaps = 64; // single pages invalidated in one go; beyond it everything at once is cheaper

    private readonly RegisterRegion[] _mmus;
    private readonly GateList _clocks;
    private readonly TimeProvider _time;
    private readonly RockchipIommuDescription _description;

    internal RockchipIommuUnit(Device device, IommuCore core, TimeProvider time, RockchipIommuDescription description)
        : base(device, core)
    {
        _mmus = [.. device.Registers];
        _clocks = new GateList([.. device.Clocks.Values]);
        _time = time;
        _description = description;
        Capabilities = new IommuCapabilities
        {
            PageSizes = Format.PageSizes,
            ApertureEnd = new Iova(uint.MaxValue),
            OutputBits = Format.OutputBits,
            HonouredProtection = Protection.ReadWrite,
            CanBypass = true,
            CanStall = true,
        };
    }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    private RockchipFormat Format => new(_description.IsWide, _description.TableBits);

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request) =>
        new PagingDomain<RockchipFormat>(request, Format, Core.Tables, Core.Trace) { InvalidatesMaps = true };

    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain) =>
        domain is PagingDomain<RockchipFormat> paging && paging.Table.Format.OutputBits == Capabilities.OutputBits;

    /// <inheritdoc/>
    protected override void Start(IommuDomain domain, bool isResuming)
    {
        var table = ((PagingDomain<RockchipFormat>)domain).Table;
        var entry = (uint)table.Format.MakeTable(0, table.Root); // the register has the form of a directory entry
        _clocks.On();
        try
        {
            // Stalled while the table changes, never let through: an access sees the old table or the new one. A reset lets everything
            // through, so a unit that translates already is not reset.
            Stall();
            if (!_description.KeepsReset && !All(RockchipMmuStatus.PagingBit, RockchipMmuStatus.PagingBit))
                ForceReset();
            foreach (var mmu in _mmus)
            {
                WriteTableBase(mmu, entry);
                Command(mmu, RockchipMmuCommand.ZapCache);
                // A fault from before would be reported against a table that it did not meet.
                if (Status(mmu).IsFaulting)
                    Command(mmu, RockchipMmuCommand.PageFaultDone);
                mmu.Write32(RockchipMmuRegister.InterruptClear, (uint)RockchipMmuInterrupts.All);
                mmu.Write32(RockchipMmuRegister.InterruptMask, (uint)RockchipMmuInterrupts.All);
            }

            SetPaging(true);
            Unstall();
        }
        finally
        {
            _clocks.Off();
        }
    }

    /// <inheritdoc/>
    /// <remarks>A unit that does not grant the stall is switched off all the same.</remarks>
    protected override void Stop(bool isSuspending)
    {
        _clocks.On();
        try
        {
            TryStall();
            SetPaging(false);
            foreach (var mmu in _mmus)
            {
                mmu.Write32(RockchipMmuRegister.InterruptMask, 0);
                mmu.Write32(RockchipMmuRegister.TableBase, 0);
            }

            Unstall();
        }
        finally
        {
            _clocks.Off();
        }
    }

    /// <inheritdoc/>
    protected override void Flush(in InvalidationGather gather)
    {
        ulong pages = 0;
        foreach (var range in gather.AsSpan())
            pages += ((range.Last - range.Start) >> RockchipMmuEntry.PageShift) + 1;
        _clocks.On();
        try
        {
            foreach (var mmu in _mmus)
            {
                if (pages > MaxZaps || gather.Count == 0)
                    Command(mmu, RockchipMmuCommand.ZapCache);
                else
                    Zap(mmu, gather);
            }
        }
        finally
        {
            _clocks.Off();
        }
    }

    private static void Zap(RegisterRegion mmu, in InvalidationGather gather)
    {
        foreach (var range in gather.AsSpan())
        {
            for (ulong at = 0; at <= range.Last - range.Start; at += 1 << RockchipMmuEntry.PageShift)
                mmu.Write32(RockchipMmuRegister.ZapLine, (uint)(range.Start + at).Value);
        }
    }
}
