using Aperture.Core;
using Aperture.Devices;
using Aperture.Linux.Native;
using Aperture.Linux.Pci;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Tests.Pci;

/// <summary>Registers of a function whose file is an ordinary one: configuration space at 0, a BAR from 4096 on.</summary>
public sealed unsafe class RegisterTests : IDisposable
{
    private const int Page = 4096;
    private const uint Power = 0x44; // PMCSR

    private readonly string _path = Path.GetTempFileName();
    private readonly SafeFileHandle _file;
    private readonly RegisterGate _gate = new();
    private readonly MappedRegisters _bar;
    private readonly ConfigurationRegisters _space;
    private readonly PciConfiguration _configuration;

    public RegisterTests()
    {
        File.WriteAllBytes(_path, new byte[2 * Page]);
        _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.Write(_file, [0x34, 0x12, 0xE8, 0x11, 2, 0, 0x10, 0], 0); // memory decoding is on; there are capabilities
        RandomAccess.Write(_file, [0x50], 0x34);
        RandomAccess.Write(_file, [0x05, 0x40], 0x50); // MSI, then
        RandomAccess.Write(_file, [0x01, 0x00], 0x40); // power management
        var place = Libc.Map(0, Page, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared, _file, Page);
        _bar = new MappedRegisters(_file, "dev Bar0", Page, Page, [new(0, Page, (byte*)place)], _gate, (GateReason)(-1));
        _space = new ConfigurationRegisters(new MappedRegisters(_file, "dev Configuration", 0, 256, [], _gate, GateReason.ForGood), _gate);
        _configuration = new PciConfiguration(_space);
    }

    public void Dispose()
    {
        Close();
        _file.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void A_read_while_memory_decoding_is_off_was_the_end_of_the_process()
    {
        _bar.Write32(0, 0x1234);
        _configuration.Write16(4, 0);
        AssertRefused("memory decoding is off");
        Assert.Throws<BusErrorException>(() => _bar.Write64(8, 1));
        _configuration.IsBusMaster = true; // another bit of the register
        AssertRefused("memory decoding is off");
        _configuration.Write16(4, 2);
        Assert.Equal(0x1234u, _bar.Read32(0));
        _configuration.Registers.Write32(4, 0); // by whatever width
        AssertRefused("memory decoding is off");
        _configuration.EnableMemory();
        Assert.Equal(0x1234u, _bar.Read32(0));
        _configuration.Registers.Write64(0, 0); // both halves
        AssertRefused("memory decoding is off");
    }

    /// <summary>Whatever bytes a write begins and ends with: it counts as one of each register that it reaches.</summary>
    [Theory]
    [InlineData(0, 5)]
    [InlineData(0, 8)]
    [InlineData(3, 2)]
    [InlineData(4, 1)]
    [InlineData(4, 4)]
    public void A_write_that_begins_before_a_register_and_ends_behind_it_is_one_of_it(int before, int length)
    {
        Assert.InRange(length, 1, 8);
        Span<byte> read = stackalloc byte[length];
        for (var round = 0; round < 2; round++)
        {
            Write(4, 0);
            AssertRefused("memory decoding is off");
            Write(4, 2);
            _bar.Read32(0);
            Write(Power, 3);
            AssertRefused("low-power state");
            Write(Power, 0);
            _bar.Read32(0);
            Assert.True(_configuration.Mastering.TryStop());
            Write(4, 6);
            Assert.Equal(2, OnFile(4));
            _space.Read((uint)before, read);
            Assert.Equal(6, read[4 - before]); // as its driver has it
            _configuration.Mastering.Resume();
            Assert.Equal(6, OnFile(4));
        }

        _configuration.Write16(4, 0);
        _space.Write(5, [0, 0]); // behind it
        _space.Write(2, [0xE8, 0x11]);
        AssertRefused("memory decoding is off");

        void Write(uint register, byte value)
        {
            Span<byte> bytes = stackalloc byte[length];
            RandomAccess.Read(_file, bytes, register - 4 + before); // all others as they are
            bytes[4 - before] = value;
            _space.Write((uint)(register - 4 + before), bytes);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_read_in_a_low_power_state_was_the_end_of_the_process(ushort state)
    {
        _configuration.Write16(Power, state);
        AssertRefused("low-power state");
        _configuration.Write16(4, 0);
        _configuration.Write16(Power, 0);
        AssertRefused("memory decoding is off"); // the other reason is still there
        _configuration.Write16(4, 2);
        _bar.Read32(0);
        Assert.Equal(0x1234, _configuration.Vendor); // answers in every state
    }

    [Fact]
    public void A_function_that_comes_back_with_decoding_off_is_not_read()
    {
        _configuration.Write16(Power, 3);
        RandomAccess.Write(_file, [0], 4); // a reset by the change of power
        _configuration.Write16(Power, 0);
        AssertRefused("memory decoding is off");
    }

    [Fact]
    public void A_virtual_function_has_no_bit_for_memory_and_answers()
    {
        using var zero = File.OpenHandle("/dev/zero", FileMode.Open, FileAccess.ReadWrite); // takes every write and reads as zero
        var space = new ConfigurationRegisters(new MappedRegisters(zero, "vf", 0, 256, [], _gate, GateReason.ForGood), _gate);
        space.EnableMemory();
        var word = _bar.Read32(0);
        space.Write32(4, 0);
        Assert.Equal(word, _bar.Read32(0)); // was refused, if the bit counted
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4096)]
    [InlineData(uint.MaxValue - 3)]
    public void What_lies_outside_is_told_apart(uint offset) =>
        Assert.Contains("outside", Assert.Throws<BusErrorException>(() => _bar.Read32(offset)).Message);

    [Fact]
    public void A_closed_device_says_why_it_was_closed()
    {
        _gate.Close(GateReason.Removed);
        AssertRefused("the kernel wants it back");
        Assert.Contains("the kernel wants it back", Assert.Throws<BusErrorException>(() => _configuration.Vendor).Message);
        _gate.Open((GateReason)(-1));
        AssertRefused("the kernel wants it back"); // for good
    }

    [Fact]
    public void An_access_on_another_thread_while_the_device_closed_was_the_end_of_the_process()
    {
        const int Threads = 3;
        var reads = 0L;
        var refusals = 0;
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            try
            {
                while (true)
                {
                    for (uint offset = 0; offset < Page; offset += 4)
                        _bar.Read32(offset);
                    Interlocked.Increment(ref reads);
                }
            }
            catch (BusErrorException)
            {
                Interlocked.Increment(ref refusals);
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        SpinWait.SpinUntil(() => Interlocked.Read(ref reads) > 100);
        Close();
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(Threads, refusals);
    }

    [Fact]
    public void Decoding_that_goes_while_other_threads_read_waits_for_them()
    {
        var ends = false;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref ends))
            {
                try
                {
                    _bar.Read32(0);
                }
                catch (BusErrorException)
                {
                }
            }
        });
        reader.Start();
        for (var i = 0; i < 1000; i++)
        {
            _configuration.Write16(4, 0);
            Assert.Throws<BusErrorException>(() => _bar.Read32(0));
            _configuration.Write16(4, 2);
            _bar.Read32(0);
        }

        Volatile.Write(ref ends, true);
        reader.Join();
    }

    private void AssertRefused(string reason)
    {
        var refusal = Assert.Throws<BusErrorException>(() => _bar.Read32(0));
        Assert.Equal(Status.IoError, refusal.Status);
        Assert.Contains($"dev Bar0 offset 0x0 was not answered; ", refusal.Message);
        Assert.Contains(reason, refusal.Message);
    }

    private byte OnFile(uint offset)
    {
        Span<byte> value = stackalloc byte[1];
        Assert.Equal(1, RandomAccess.Read(_file, value, offset));
        return value[0];
    }

    private void Close()
    {
        _gate.Close(GateReason.Disposed);
        _bar.Dispose();
    }

    [Fact]
    public void Bus_mastering_stays_off_while_an_iommu_has_failed_whoever_switches_it_on()
    {
        _configuration.IsBusMaster = true;
        Assert.True(_configuration.Mastering.TryStop());
        Assert.Equal(0, OnFile(4) & 4);
        Assert.True(_configuration.IsBusMaster); // as its driver has it
        _configuration.IsBusMaster = true;
        _configuration.Registers.Write32(4, 0x406); // by whatever width, another bit changed
        Assert.Equal(0, OnFile(4) & 4);
        _configuration.Mastering.Resume();
        Assert.Equal(4, OnFile(4) & 4);
        Assert.Equal(0x406, _configuration.Read16(4));
        Assert.True(_configuration.Mastering.TryStop());
        _configuration.IsBusMaster = false;
        _configuration.Mastering.Resume();
        Assert.Equal(0, OnFile(4) & 4);
    }
}
