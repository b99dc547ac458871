using Aperture.Hardware.Translation;
using Aperture.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser.Tests;

public sealed unsafe class MemoryTests : IDisposable
{
    private const ulong Ram = 0x4000_0000;

    private readonly TestServer _server = new();
    private readonly TestClient _client;

    public MemoryTests() => _client = _server.Connect();

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public void A_model_reaches_the_clients_memory_by_loads_and_stores()
    {
        using var file = TestClient.MemoryFile(0x4000);
        Assert.Equal(Errno.None, _client.Map(Ram, 0x2000, file, offset: 0x1000));
        _client.Write(0, 0x80, 8, Ram + 0x1008);
        _client.Write(0, 0, 8, 0xDEAD_BEEF_0123);
        _client.Write(0, 0x88, 4, 2); // writes memory
        Assert.Equal((ulong)DmaStatus.Ok, _client.Read(0, 0x88, 4));
        Assert.Equal(0xDEAD_BEEF_0123u, Peek(file, 0x2008));
        Poke(file, 0x2008, 77);
        _client.Write(0, 0x88, 4, 1); // reads it
        Assert.Equal(77u, _client.Read(0, 0, 8));
        Assert.Equal(0u, _server.Function.Counters.DmaMessages);
    }

    [Fact]
    public void After_the_unmap_nothing_is_there()
    {
        using var file = TestClient.MemoryFile(0x4000);
        Assert.Equal(Errno.None, _client.Map(Ram, 0x1000, file));
        Assert.Equal(Errno.None, _client.Map(Ram + 0x1000, 0x1000, file, 0x2000));
        Assert.Equal(Errno.Invalid, _client.Unmap(Ram, 0x800));
        Assert.Equal(Errno.NoEntry, _client.Unmap(Ram + 0x2000, 0x1000));
        Assert.Equal(Errno.None, _client.Unmap(Ram, 0x1000));
        Assert.False(_server.Memory.Memory.Contains(new(Ram), 1));
        _client.Write(0, 0x80, 8, Ram);
        _client.Write(0, 0x88, 4, 2);
        Assert.Equal((ulong)DmaStatus.BusError, _client.Read(0, 0x88, 4));
        Assert.Equal(Errno.Invalid, _client.Unmap(Ram, 0, flags: 2)); // all, but with an address
        Assert.Equal(Errno.Invalid, _client.Unmap(Ram + 0x1000, 0x1000, flags: 1)); // with a bitmap: migration
        Assert.Equal(Errno.None, _client.Unmap(0, 0, flags: 2));
        Assert.Empty(_server.Memory.Memory.Regions);
        Assert.Equal(0u, Peek(file, 0));
    }

    [Fact]
    public void One_unmap_takes_several_whole_maps()
    {
        using var file = TestClient.MemoryFile(0x4000);
        for (ulong i = 0; i < 4; i++)
            Assert.Equal(Errno.None, _client.Map(Ram + (i * 0x2000), 0x1000, file, i * 0x1000));
        Assert.Equal(Errno.Invalid, _client.Unmap(Ram, 0x2800));
        Assert.Equal(Errno.None, _client.Unmap(Ram, 0x4000));
        Assert.Equal([new(new(Ram + 0x4000), 0x1000), new(new(Ram + 0x6000), 0x1000)], _server.Memory.Memory.Regions);
    }

    [Fact]
    public void What_is_mapped_to_be_read_is_not_written()
    {
        using var file = TestClient.MemoryFile(0x1000);
        Assert.Equal(Errno.None, _client.Map(Ram, 0x1000, file, rights: 1));
        _client.Write(0, 0x80, 8, Ram);
        _client.Write(0, 0, 8, 1);
        _client.Write(0, 0x88, 4, 2);
        Assert.Equal((ulong)DmaStatus.BusError, _client.Read(0, 0x88, 4));
        _client.Write(0, 0x88, 4, 1);
        Assert.Equal((ulong)DmaStatus.Ok, _client.Read(0, 0x88, 4));
        Assert.Equal(0u, Peek(file, 0));
    }

    [Fact]
    public void Maps_that_cannot_be_are_refused()
    {
        using var file = TestClient.MemoryFile(0x4000);
        Assert.Equal(Errno.None, _client.Map(Ram, 0x2000, file));
        foreach (var (address, size, offset, rights, error) in new (ulong, ulong, ulong, uint, Errno)[]
        {
            (Ram + 0x1000, 0x1000, 0, 3, Errno.Exists), (0, ulong.MaxValue & ~4095UL, 0, 3, Errno.Invalid),
            (Ram + 0x4001, 0x1000, 0, 3, Errno.Invalid), (Ram + 0x4000, 0x1001, 0, 3, Errno.Invalid),
            (Ram + 0x4000, 0x1000, 1, 3, Errno.Invalid), (Ram + 0x4000, 0, 0, 3, Errno.Invalid),
            (Ram + 0x4000, 0x1000, 0x4000, 3, Errno.Invalid), (Ram + 0x4000, 0x1000, 0, 0, Errno.Invalid),
            (Ram + 0x4000, 0x1000, 0, 4, Errno.Invalid), (ulong.MaxValue & ~4095UL, 0x2000, 0, 3, Errno.Invalid),
            (Ram + 0x4000, 0x1000, 0x7FFF_FFFF_FFFF_F000, 3, Errno.Invalid), (Ram + 0x4000, 0x5000, 0, 3, Errno.Invalid),
            (Ram + 0x4000, 0x1000, ulong.MaxValue & ~4095UL, 3, Errno.Invalid),
        })
        {
            Assert.Equal(error, _client.Map(address, size, file, offset, rights));
        }

        Assert.Equal([new(new(Ram), 0x2000)], _server.Memory.Memory.Regions);
    }

    [Fact]
    public void A_file_that_could_shrink_is_taken_only_from_clients_that_are_trusted()
    {
        using var file = TestClient.MemoryFile(0x1000, isSealed: false);
        Assert.Equal(Errno.NotPermitted, _client.Map(Ram, 0x1000, file));
        using var zero = File.OpenHandle("/dev/zero", FileMode.Open, FileAccess.ReadWrite);
        Assert.Equal(Errno.NotPermitted, _client.Map(Ram, 0x1000, zero));
        using var trusting = new TestServer(new VfioUserOptions { TrustsMemoryFiles = true });
        using var client = trusting.Connect();
        Assert.Equal(Errno.None, client.Map(Ram, 0x1000, file));
    }

    [Fact]
    public void A_client_has_no_more_maps_than_it_may()
    {
        using var server = new TestServer(new VfioUserOptions { MaxMaps = 3 });
        using var client = server.Connect();
        using var file = TestClient.MemoryFile(0x1000);
        for (ulong i = 0; i < 3; i++)
            Assert.Equal(Errno.None, client.Map(Ram + (i * 0x1000), 0x1000, file));
        Assert.Equal(Errno.NoSpace, client.Map(0, 0x1000, file));
        Assert.Equal(Errno.None, client.Unmap(Ram, 0x1000));
        Assert.Equal(Errno.None, client.Map(0, 0x1000, file));
    }

    [Fact]
    public void Memory_that_comes_and_goes_uses_up_nothing()
    {
        using var file = TestClient.MemoryFile(1 << 30);
        for (ulong i = 0; i < 500; i++) // of 1 GiB each: more than there is address space set aside
        {
            Assert.Equal(Errno.None, _client.Map(i << 30, 1 << 30, file));
            Assert.Equal(Errno.None, _client.Unmap(i << 30, 1 << 30));
        }

        Assert.Empty(_server.Memory.Memory.Regions);
    }

    [Fact]
    public void Of_several_clients_of_one_machine_the_first_ones_memory_counts_and_then_the_next_ones()
    {
        using var other = new TestServer(memory: _server.Memory);
        using var second = other.Connect();
        using var file = TestClient.MemoryFile(0x1000);
        using var same = TestClient.MemoryFile(0x1000);
        Assert.Equal(Errno.None, _client.Map(Ram, 0x1000, file));
        Assert.Equal(Errno.None, second.Map(Ram, 0x1000, same));
        second.Write(0, 0x80, 8, Ram);
        second.Write(0, 0, 8, 5);
        second.Write(0, 0x88, 4, 2);
        Assert.Equal((5u, 0u), (Peek(file, 0), Peek(same, 0)));
        _client.Dispose();
        SpinWait.SpinUntil(() => !_server.Function.IsConnected);
        SpinWait.SpinUntil(() => _server.Memory.Memory.Contains(new(Ram), 8));
        second.Write(0, 0x88, 4, 2);
        Assert.Equal((ulong)DmaStatus.Ok, second.Read(0, 0x88, 4));
        Assert.Equal(5u, Peek(same, 0));
    }

    private static ulong Peek(SafeFileHandle file, long offset)
    {
        ulong value;
        Assert.Equal(sizeof(ulong), Libc.ReadAt(file, &value, sizeof(ulong), offset));
        return value;
    }

    private static void Poke(SafeFileHandle file, long offset, ulong value) =>
        Assert.Equal(sizeof(ulong), Libc.WriteAt(file, &value, sizeof(ulong), offset));
}
