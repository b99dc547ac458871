using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;
using Aperture.Pocket.Tests.Hardware;

namespace Aperture.Pocket.Tests.Software;

/// <summary>The software side of a Pocket MMU: one table for its masters.</summary>
internal sealed class PocketUnit(Device device, IommuCore core, bool canBypass = true) : SingleContextUnit(device, core)
{
    private const uint Running = PocketRegister.Enable | PocketRegister.InterruptEnable;
    private const ulong MostPages = 64; // beyond it forgetting everything is cheaper

    private readonly RegisterRegion _registers = device.Registers[0];

    public override IommuCapabilities Capabilities { get; } = new()
    {
        PageSizes = default(PocketFormat).PageSizes,
        ApertureEnd = new Iova(uint.MaxValue),
        OutputBits = 32,
        HonouredProtection = Protection.ReadWrite,
        CanBypass = canBypass,
    };

    protected override IommuDomain MakeDomain(in DomainRequest request) =>
        new PagingDomain<PocketFormat>(request, default, Core.Tables, Core.Trace);

    public override bool Accepts(IommuDomain domain) => domain is PagingDomain<PocketFormat>;

    protected override void Start(IommuDomain domain, bool isResuming)
    {
        _registers.Write32(PocketRegister.Root, (uint)((PagingDomain<PocketFormat>)domain).Table.Root.Value);
        _registers.Write32(PocketRegister.Invalidate, PocketRegister.All);
        _registers.Write32(PocketRegister.FaultStatus, 0);
        _registers.Write32(PocketRegister.Control, Running);
    }

    protected override void Stop(bool isSuspending) => _registers.Write32(PocketRegister.Control, 0);

    protected override void Flush(in InvalidationGather gather)
    {
        ulong pages = 0;
        foreach (var range in gather.AsSpan())
            pages += range.Pages;
        if (pages > MostPages)
        {
            _registers.Write32(PocketRegister.Invalidate, PocketRegister.All);
            return;
        }

        foreach (var range in gather.AsSpan())
        {
            for (var page = 0UL; page < range.Pages; page++)
                _registers.Write32(PocketRegister.Invalidate, (uint)(range.Start.Value + (page << range.PageShift)));
        }
    }

    internal InterruptResult OnInterrupt()
    {
        uint status;
        uint address;
        IommuDomain? domain;
        using (Registers.Hold())
        {
            if (!IsActive || (status = _registers.Read32(PocketRegister.FaultStatus)) == 0)
                return InterruptResult.None;
            address = _registers.Read32(PocketRegister.FaultAddress);
            _registers.Write32(PocketRegister.FaultStatus, 0);
            domain = Domain;
        }

        Report(
            domain,
            0,
            address,
            (status & PocketRegister.FaultedWriting) != 0 ? FaultAccess.Write : FaultAccess.Read,
            (status & PocketRegister.FaultedOnRights) != 0 ? FaultReason.Protection : FaultReason.NotMapped,
            status);
        return InterruptResult.Handled; // the access has ended already: there is nothing to try again
    }
}
