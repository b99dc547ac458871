using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Hardware.SmmuV3;
using Aperture.Iommu;
using static Aperture.Drivers.Tests.SmmuV3.SmmuV3Scene;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>Processes of a master in address spaces of their own.</summary>
public sealed class ProcessTests
{
    [Theory]
    [InlineData(4, true)]   // one array
    [InlineData(4, false)]
    [InlineData(9, false)]
    [InlineData(9, true)]   // two levels, the second of 4 KiB
    [InlineData(16, true)]
    [InlineData(20, true)]  // the second of 64 KiB
    public void Each_process_reaches_its_own_memory_and_nothing_else(int bits, bool hasTwoLevels)
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700 with { HasTwoLevelContexts = hasTwoLevels, SubstreamBits = 20 });
        var (device, port) = scene.AddMaster(bits);
        uint[] processes = [1, 2, 7, (1u << bits) - 1];
        for (var i = 0; i <= processes.Length; i++)
            scene.Mark((ulong)i * Page, (byte)(i + 1));
        var group = device.Iommu!.Group;
        group.Attach(scene.NewDomain(0));
        var domains = processes.Select((_, i) => scene.NewDomain(((ulong)i + 1) * Page)).ToArray();
        for (var i = 0; i < processes.Length; i++)
        {
            Assert.Null(Read(port, At, processes[i]));
            group.AttachPasid(new Pasid(processes[i]), domains[i]);
            Assert.Equal((byte)1, Read(port, At));
            for (var k = 0; k <= i; k++)
                Assert.Equal((byte)(k + 2), Read(port, At, processes[k]));
        }

        domains[1].Unmap(At, Page);
        Assert.Null(Read(port, At, processes[1]));
        Assert.Equal(new Pasid(processes[1]), scene.Board.Core.Faults[^1].Pasid);
        Assert.Same(device, scene.Board.Core.Faults[^1].Device);
        for (var i = 0; i < processes.Length; i++)
        {
            group.DetachPasid(new Pasid(processes[i]));
            Assert.Null(Read(port, At, processes[i]));
            Assert.Equal((byte)1, Read(port, At));
            if (i + 1 < processes.Length)
                Assert.Equal((byte)(processes.Length + 1), Read(port, At, processes[^1]));
        }
    }

    [Fact]
    public void A_master_changes_its_domain_beside_its_processes_without_a_refused_access()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(8);
        scene.Mark(0, 1);
        scene.Mark(Page, 2);
        scene.Mark(2 * Page, 3);
        var group = device.Iommu!.Group;
        IommuDomain[] domains = [scene.NewDomain(0), scene.NewDomain(Page)];
        group.Attach(domains[0]);
        var process = scene.NewDomain(2 * Page);
        var accesses = 0;
        byte before = 1;
        byte after = 1;
        var isIn = false;
        scene.Unit.Registers.Before = () =>
        {
            accesses++;
            Assert.True(Read(port, At) is { } value && (value == before || value == after));
            if (isIn)
                Assert.Equal((byte)3, Read(port, At, 5));
        };
        group.AttachPasid(new Pasid(5), process);
        isIn = true;
        for (var round = 1; round < 6; round++)
        {
            after = (byte)((round % 2) + 1);
            group.Replace(domains[round % 2]);
            before = after;
        }

        isIn = false;
        group.DetachPasid(new Pasid(5));
        scene.Unit.Registers.Before = null;
        Assert.NotEqual(0, accesses);
        Assert.Equal(0UL, scene.Board.Core.FaultCount);
        Assert.Equal((byte)2, Read(port, At));
    }

    [Theory]
    [InlineData(DomainType.Identity)]
    [InlineData(DomainType.Blocked)]
    public void Processes_of_a_master_that_has_no_tables_itself(DomainType type)
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        scene.Board.Core.DefaultDomainType = DomainType.Identity;
        var (device, port) = scene.AddMaster(8);
        var group = device.Iommu!.Group;
        scene.Mark(0, 1);
        scene.Mark(Page, 2);
        if (type == DomainType.Blocked)
            group.Attach(scene.Board.Core.Blocked);
        byte? own = type == DomainType.Identity ? 1 : null;
        var direct = new Iova(scene.Data.Value);
        Assert.Equal(own, Read(port, direct));
        group.AttachPasid(new Pasid(3), scene.NewDomain(Page));
        Assert.Equal(own, Read(port, direct));
        Assert.Equal((byte)2, Read(port, At, 3));
        group.DetachPasid(new Pasid(3));
        Assert.Equal(own, Read(port, direct));
        Assert.Null(Read(port, At, 3));
    }

    [Fact]
    public void Processes_survive_a_unit_that_lost_all()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(8);
        scene.Mark(Page, 2);
        device.Iommu!.Group.AttachPasid(new Pasid(200), scene.NewDomain(Page));
        scene.Unit.Cycle();
        Assert.Equal((byte)2, Read(port, At, 200));
        Assert.Null(Read(port, At, 199));
    }

    [Fact]
    public void Stage_2_has_no_processes()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(8);
        scene.Mark(0, 1);
        var group = device.Iommu!.Group;
        var second = scene.NewDomain(0, TranslationStages.Second);
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() => group.AttachPasid(new Pasid(1), second)).Status);
        group.Attach(second);
        Assert.Equal((byte)1, Read(port, At));
        Assert.Equal(
            Status.NotSupported, Assert.Throws<ApertureException>(() => group.AttachPasid(new Pasid(1), scene.NewDomain(0))).Status);
        Assert.Equal((byte)1, Read(port, At));
    }

    [Fact]
    public void A_process_shares_its_own_tables()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(8);
        scene.Mark(0, 1);
        var owner = (PagingDomain<ArmLpaeFormat>)scene.NewDomain(0);
        var shared = (SharedDomain)scene.Driver.CreateDomain(
            new DomainRequest(DomainType.Shared, device) { Tables = new Tables(owner.Table.Root, owner.Table.Format) });
        device.Iommu!.Group.AttachPasid(new Pasid(9), shared);
        Assert.Equal((byte)1, Read(port, At, 9));
        owner.Unmap(At, Page); // tells nobody: no unit knows this domain
        Assert.Equal((byte)1, Read(port, At, 9));
        Assert.Equal(Status.Ok, shared.Invalidate(At, Page, 12, tablesChanged: false));
        Assert.Null(Read(port, At, 9));
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() => scene.Driver.CreateDomain(
            new DomainRequest(DomainType.Shared) { Tables = new Tables(default, "none") })).Status);
    }

    /// <summary>Whatever could not be had, nothing is left behind, and the rest goes on.</summary>
    [Fact]
    public void Every_allocation_may_fail()
    {
        using var scene = new SmmuV3Scene(SmmuV3Options.Mmu700);
        var (device, port) = scene.AddMaster(9);
        scene.Mark(0, 1);
        scene.Mark(Page, 2);
        var group = device.Iommu!.Group;
        IommuDomain[] domains = [scene.NewDomain(0), scene.NewDomain(Page), scene.NewDomain(Page)];
        group.Attach(domains[0]);
        var used = scene.Board.Tables.BytesInUse;
        for (var failing = 1; ; failing++)
        {
            scene.Board.Tables.FailAllocation = failing;
            var isDone = true;
            try
            {
                group.AttachPasid(new Pasid(1), domains[1]);
                group.AttachPasid(new Pasid(300), domains[2]);
                group.Replace(domains[2]);
            }
            catch (ApertureException error)
            {
                Assert.Equal(Status.NoMemory, error.Status);
                isDone = false;
            }

            scene.Board.Tables.FailAllocation = 0;
            Assert.Equal(isDone ? (byte?)2 : 1, Read(port, At));
            foreach (var pasid in group.Pasids.Keys.ToArray())
            {
                Assert.Equal((byte)2, Read(port, At, pasid.Value));
                group.DetachPasid(pasid);
            }

            group.Replace(domains[0]);
            Assert.Equal(used, scene.Board.Tables.BytesInUse);
            if (isDone)
                return;
        }
    }

    private sealed class Tables(PhysicalAddress root, object format) : ISharedTables
    {
        public PhysicalAddress Root => root;

        public object Format => format;
    }
}
