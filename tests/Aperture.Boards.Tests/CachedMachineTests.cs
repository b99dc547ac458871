using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests;

public sealed class CachedMachineTests
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    /// <summary>The masters snoop, the walkers do not: every driver must clean its tables.</summary>
    [Theory]
    [MemberData(nameof(Boards))]
    public void Our_boards_pass_with_caches_that_walkers_do_not_snoop(string board)
    {
        foreach (var seed in (int?[])[null, 12])
        {
            using var machine = Machine.Boot(
                Read(board, isCoherent: true), new MachineOptions { CpuCaches = new CpuCacheOptions { ChaosSeed = seed } });
            var test = new SelfTest(machine);
            Assert.All(machine.Masters, master => Assert.True(test.Run(master).IsFine));
            Assert.NotEqual(0, machine.Memory.Cache!.Counters.WrittenBack);
        }
    }

    [Fact]
    public void Coherency_comes_from_the_tree()
    {
        foreach (var isCoherent in (bool[])[false, true])
        {
            using var machine = Machine.Boot(Read("omap3-isp", isCoherent));
            var master = machine.Masters.First(candidate => candidate.Device is not null);
            Assert.Equal(isCoherent, master.Device!.Description.IsCoherent);
            Assert.All(master.Ports, port => Assert.Equal(isCoherent, port.IsCoherent));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_master_sees_what_was_cleaned_unless_it_snoops(bool isCoherent)
    {
        using var machine = Boot();
        var memory = new BoardMemory(machine.Pages);
        var block = memory.Allocate(100);
        memory.Clean(block.Address, 100);
        block.Span.Fill(1);
        var port = new DmaPort(machine.Bus) { IsCoherent = isCoherent };
        var seen = new byte[100];
        Assert.Equal(DmaStatus.Ok, port.Read(new Iova(block.Address.Value), seen, out _));
        Assert.Equal(isCoherent ? 1 : 0, seen[99]);
        memory.Clean(block.Address, 100);
        Assert.Equal(DmaStatus.Ok, port.Read(new Iova(block.Address.Value), seen, out _));
        Assert.Equal(1, seen[99]);
        seen.AsSpan().Fill(2);
        Assert.Equal(DmaStatus.Ok, port.Write(new Iova(block.Address.Value), seen, out _));
        Assert.Equal(isCoherent ? 2 : 1, block.Span[99]);
        memory.Invalidate(block.Address, 128);
        Assert.Equal(2, block.Span[99]);
    }

    [Fact]
    public void Uncached_memory_is_seen_alike_and_comes_back_clean()
    {
        using var machine = Boot();
        var memory = new BoardMemory(machine.Pages);
        var highest = new PhysicalAddress(ulong.MaxValue);
        Assert.True(memory.NeedsMaintenance);
        Assert.Equal(64, memory.CacheAlignment);

        // The page comes from a careless owner: a device wrote, and nobody invalidated.
        var old = memory.Allocate(4096);
        machine.Memory.DramSpan(old.Address, 4096).Fill(9);
        memory.Free(old);
        Assert.True(memory.TryAllocateUncached(5000, highest, out var block));
        Assert.Equal(-1, block.Span.IndexOfAnyExcept((byte)0));

        block.Span.Fill(1);
        var port = new DmaPort(machine.Bus);
        var seen = new byte[5000];
        Assert.Equal(DmaStatus.Ok, port.Read(new Iova(block.Address.Value), seen, out _));
        Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)1));
        seen.AsSpan().Fill(2);
        Assert.Equal(DmaStatus.Ok, port.Write(new Iova(block.Address.Value), seen, out _));
        Assert.Equal(-1, block.Span.IndexOfAnyExcept((byte)2));
        Assert.Equal(CpuCache.Poison, machine.Memory.Span(block.Address, 1)[0]);
        memory.FreeUncached(block);
        Assert.Empty(machine.Memory.Cache!.CheckAlias());
        Assert.Equal(2, machine.Memory.Span(block.Address, 1)[0]);
    }

    [Fact]
    public void Without_caches_the_hooks_do_nothing()
    {
        using var machine = Machine.Boot(Read("omap3-isp"));
        var memory = new BoardMemory(machine.Pages);
        Assert.False(memory.NeedsMaintenance);
        Assert.Equal(1, memory.CacheAlignment);
        Assert.True(memory.TryAllocateUncached(100, new PhysicalAddress(ulong.MaxValue), out var block));
        block.Span.Fill(1);
        memory.Clean(block.Address, 100);
        memory.Invalidate(block.Address, 100);
        Assert.Equal(block, memory.MakeCached(memory.MakeUncached(block)));
        Assert.Equal(1, block.Span[99]);
        memory.FreeUncached(block);
    }

    /// <summary>Caches take three times the address space, and host memory only where it is touched.</summary>
    [LinuxFact]
    public unsafe void A_machine_with_much_memory_boots_in_little()
    {
        const ulong Size = 2UL << 30;
        var ram = new MemoryRange(new PhysicalAddress(0x1_0000_0000), Size);
        using var machine = Machine.Boot(
            Read("omap3-isp"),
            new MachineOptions { Memory = [new(new PhysicalAddress(0x8000_0000), 512 << 20), ram], CpuCaches = new CpuCacheOptions() });
        Assert.True(machine.Memory.TryGetPointer(ram.Start, Size, out var cpu));
        Assert.True(machine.Memory.TryGetDramPointer(ram.Start, Size, out var dram));
        var cache = machine.Memory.Cache!;
        cache.Clean(ram.Start, 64 << 20); // reading takes no memory either
        // What is touched here shows: the ranges are found among the host's mappings.
        new Span<byte>(cpu, 1 << 20).Fill(1);
        new Span<byte>(dram, 1 << 20).Fill(1);
        Assert.InRange(ResidentBytes((ulong)cpu, Size), 1UL << 20, 64UL << 20);
        Assert.InRange(ResidentBytes((ulong)dram, Size), 1UL << 20, 64UL << 20);
    }

    private static Machine Boot() => Machine.Boot(Read("omap3-isp"), new MachineOptions { CpuCaches = new CpuCacheOptions() });

    /// <summary>Host memory of the mappings that hold a range.</summary>
    private static ulong ResidentBytes(ulong start, ulong length)
    {
        ulong total = 0;
        var isInside = false;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0].Contains('-', StringComparison.Ordinal))
            {
                var ends = words[0].Split('-');
                isInside = Convert.ToUInt64(ends[0], 16) < start + length && Convert.ToUInt64(ends[1], 16) > start;
            }
            else if (isInside && words[0] == "Rss:")
            {
                total += ulong.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture) << 10;
            }
        }

        return total;
    }

    private static DeviceTree Read(string board, bool isCoherent = false)
    {
        var blob = File.ReadAllBytes(Path.Combine(BoardFiles.Own, board + ".dtb"));
        var tree = DeviceTree.Parse(blob);
        if (!isCoherent)
            return tree;
        var writer = new DeviceTreeWriter().BeginNode("").Property("dma-coherent");
        foreach (var property in tree.Root.Properties)
            writer.Property(property.Name, property.Value.Span);
        foreach (var child in tree.Root.Children)
            writer.Copy(child);
        return DeviceTree.Parse(writer.EndNode().ToArray());
    }
}
