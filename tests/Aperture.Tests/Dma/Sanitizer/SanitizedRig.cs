using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Two devices behind a unit, one direct device, and what they do to memory, watched.</summary>
internal sealed unsafe class SanitizedRig : IDisposable
{
    private readonly Dictionary<ulong, PhysicalAddress> _tlb = []; // what the unit remembers, by device page

    public SanitizedRig(SanitizerOptions? options = null, DomainType type = DomainType.Dma, bool bounce = false)
    {
        Platform = new DmaPlatform(Memory, Time)
        {
            ForceBounce = bounce,
            Bounce = new BounceOptions { Bytes = 256 << 10, MaxBytes = 256 << 10, Areas = 1 }
        };
        Sanitizer = DmaSanitizer.Watch(Platform, Memory.Memory, options);
        Core = new IommuCore(Memory) { DefaultDomainType = type };
        Unit = new FakeUnit(new Device("u"));
        Core.Register(Unit);
        Unit.Device.Power.Get();
        Core.Configure(Behind, [new IommuSpecifier(Unit.Device.Key, "u", [1])]);
        Core.Configure(Other, [new IommuSpecifier(Unit.Device.Key, "u", [2])]);
        foreach (var device in (Device[])[Behind, Other, Direct])
            DmaAttach.Attach(device, Core, Platform);
    }

    public FakeMemory Memory { get; } = new();

    public ManualTime Time { get; } = new();

    public DmaPlatform Platform { get; }

    public DmaSanitizer Sanitizer { get; }

    public IommuCore Core { get; }

    public FakeUnit Unit { get; }

    public Device Behind { get; } = new("behind");

    public Device Other { get; } = new("other");

    public Device Direct { get; } = new("direct");

    /// <summary>Whether the unit keeps what it translated once, whatever is invalidated.</summary>
    public bool KeepsStaleEntries { get; set; }

    public void Dispose()
    {
        Sanitizer.Dispose();
        Memory.Dispose();
    }

    /// <summary>A device writes. False when it was refused.</summary>
    public bool Write(Device device, Iova address, params ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(bytes.Length, (int)(0x1000 - (address.Value & 0xFFF)));
            var isAllowed = Translate(device, address, Protection.Write, out var physical);
            Sanitizer.OnWrite(device, address, physical, bytes[..length], OutcomeOf(device, isAllowed));
            if (!isAllowed || !Memory.Memory.TryGetPointer(physical, (ulong)length, out var pointer))
                return false;
            bytes[..length].CopyTo(new Span<byte>(pointer, length));
            bytes = bytes[length..];
            address += (ulong)length;
        }

        return true;
    }

    /// <summary>A device reads.</summary>
    public bool Read(Device device, Iova address, int bytes)
    {
        while (bytes > 0)
        {
            var length = Math.Min(bytes, (int)(0x1000 - (address.Value & 0xFFF)));
            var isAllowed = Translate(device, address, Protection.Read, out var physical);
            Sanitizer.OnRead(device, address, physical, length, OutcomeOf(device, isAllowed));
            if (!isAllowed)
                return false;
            bytes -= length;
            address += (ulong)length;
        }

        return true;
    }

    /// <summary>The one finding.</summary>
    public DmaFinding Single(FindingKind kind, Device device, Iova address, ulong length)
    {
        var finding = Xunit.Assert.Single(Sanitizer.Findings);
        Xunit.Assert.True(kind == finding.Kind, finding.ToString());
        Xunit.Assert.True((device.Name, address, length) == (finding.Device, finding.Address, finding.Length), finding.ToString());
        Xunit.Assert.NotEmpty(finding.Advice);
        return finding;
    }

    private static AccessOutcome OutcomeOf(Device device, bool isAllowed) => isAllowed ? AccessOutcome.Done
        : device.Iommu is null ? AccessOutcome.NoMemory : AccessOutcome.Refused;

    private bool Translate(Device device, Iova address, Protection right, out PhysicalAddress physical)
    {
        physical = new PhysicalAddress(address.Value);
        if (device.Iommu?.Domain is not FakeDomain domain)
            return Memory.Memory.Contains(physical, 1);
        if (KeepsStaleEntries && _tlb.TryGetValue(address.Value >> 12, out var page))
        {
            physical = page + (address.Value & 0xFFF);
            return true;
        }

        if (!domain.TryTranslate(address, out physical) || (domain.RightsAt(address) & right) == 0)
            return false;
        _tlb[address.Value >> 12] = new PhysicalAddress(physical.Value & ~0xFFFUL);
        return true;
    }
}
