using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Units;

public sealed class ContextUnitTests : IDisposable
{
    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));
    private readonly IommuCore _core;

    public ContextUnitTests() => _core = new IommuCore(new TableAllocator(new PageAllocator(_memory)));

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void A_master_that_was_to_be_blocked_passed_unchanged_behind_a_unit_that_can_block()
    {
        var unit = new Unit(_core, DomainType.Identity, takesOther: true);
        var master = new Device("m");
        Assert.Equal(Status.Ok, Attach(unit, master, _core.Blocked));
        Assert.Equal([(master, DomainType.Blocked)], unit.Places);
        Assert.Equal(Status.Ok, Attach(unit, master, _core.Identity));
        Assert.Empty(unit.Places);
    }

    [Fact]
    public void A_unit_that_has_no_context_for_blocked_masters_says_so()
    {
        var unit = new Unit(_core, DomainType.Identity, takesOther: false);
        Assert.Equal(Status.InvalidArgument, Attach(unit, new Device("m"), _core.Blocked));
        Assert.Empty(unit.Places);
    }

    [Fact]
    public void Who_is_in_no_domain_of_a_unit_that_refuses_by_default_is_blocked()
    {
        var unit = new Unit(_core, DomainType.Blocked, takesOther: true);
        var master = new Device("m");
        Assert.Equal(Status.Ok, Attach(unit, master, _core.Identity));
        Assert.Equal([(master, DomainType.Identity)], unit.Places);
        Assert.Equal(Status.Ok, Attach(unit, master, _core.Blocked));
        Assert.Empty(unit.Places);
    }

    private static Status Attach(Unit unit, Device master, IommuDomain domain) =>
        unit.Attach(new Attachment(master, [new StreamId(1)], domain));

    /// <summary>A unit without registers.</summary>
    private sealed class Unit(IommuCore core, DomainType unattached, bool takesOther) : ContextUnit(new Device("u"), core)
    {
        public override IommuCapabilities Capabilities { get; } =
            new() { PageSizes = 0x1000, ApertureEnd = new Iova(uint.MaxValue), OutputBits = 32, CanBypass = true, CanBlock = true };

        public IEnumerable<(Device Master, DomainType Type)> Places =>
            Attachments.Select(attachment => (attachment.Master, attachment.Domain.Type));

        protected override DomainType Unattached => unattached;

        public override bool Accepts(IommuDomain domain) => takesOther;

        protected override IommuDomain MakeDomain(in DomainRequest request) => throw new NotSupportedException();

        protected override Status Reserve(UnitAttachment next, UnitAttachment? previous) => Status.Ok;

        protected override void Release(UnitAttachment attachment)
        {
        }

        protected override void Move(UnitAttachment? previous, UnitAttachment? next)
        {
        }

        protected override void Program()
        {
        }

        protected override void Suspend()
        {
        }

        protected override void Flush(InvalidationTarget target, in InvalidationGather gather)
        {
        }
    }
}
