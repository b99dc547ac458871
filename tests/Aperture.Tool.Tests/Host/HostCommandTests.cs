using System.Text.Json;
using Aperture.Core;
using Aperture.Linux.Hosts;
using Aperture.Linux.Tests.Fakes;
using Aperture.Tool.Host;

namespace Aperture.Tool.Tests.Host;

public sealed class HostCommandTests : IDisposable
{
    private const string Disk = "0000:01:00.0";

    private readonly FakeHost _fake = new();
    private readonly StringWriter _output = new();

    public HostCommandTests()
    {
        _fake.Add(Disk, "1b36:0010", "010802", 5, "nvme");
        _fake.Add("0000:02:00.0", "8086:1234", "020000", null);
        _fake.Write("sys/kernel/iommu_groups/5/reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n");
        _fake.Write("dev/vfio/5", "");
        _fake.Write("sys/kernel/iommu_groups/5/type", "DMA\n");
    }

    public void Dispose()
    {
        _fake.Dispose();
        _output.Dispose();
    }

    [Fact]
    public void List_shows_every_device()
    {
        Assert.Equal(0, HostList.Run(_fake.Host, [], false, _output));
        Assert.Contains("1b36:0010   0108    nvme     5       intel   DMA", _output.ToString());
        Assert.Contains("8086:1234   0200    -        -       none    -", _output.ToString());
    }

    [Fact]
    public void List_fits_eighty_columns_whoever_uses_a_device()
    {
        for (var i = 0; i < 3; i++)
            _fake.Link($"proc/47{i}/fd/9", $"/sys/bus/pci/devices/{Disk}/resource{i}");
        _fake.Write($"proc/470/comm", "a-program\n");
        HostList.Run(_fake.Host, [], false, _output);
        var lines = _output.ToString().Split('\n');
        var table = lines.TakeWhile(line => !line.StartsWith(Disk, StringComparison.Ordinal)).ToArray();
        Assert.All(table, line => Assert.True(line.TrimEnd().Length <= 80, line));
        Assert.Equal(2, table.Count(line => line.TrimStart().StartsWith("0000:", StringComparison.Ordinal))); // one line each
        Assert.Contains($"{Disk}: process 470 (a-program) has /sys/bus/pci/devices/{Disk}/resource0 open, process 471 has",
            _output.ToString());
    }

    [Fact]
    public void Bind_says_by_its_exit_code_that_the_kernel_will_refuse_the_device()
    {
        _fake.Write("proc/interrupts", "  0:  1  IO-APIC  2-edge  timer");
        Assert.Equal(1, HostBinding.Bind(_fake.Host, [Disk], false, false, _output));
        Assert.Contains("dmesg | grep", _output.ToString());
        Assert.Contains("bound, but not usable as it stands", _output.ToString());
        Assert.True(_fake.Host.Find(Disk).IsVfio);
    }

    [Fact]
    public void List_of_one_says_what_is_in_the_way()
    {
        Assert.Equal(1, HostList.Run(_fake.Host, ["02:00.0"], false, _output));
        Assert.Contains("in the way: no IOMMU is in front of 0000:02:00.0", _output.ToString());
        Assert.Equal(0, HostList.Run(_fake.Host, [Disk], false, _output));
        Assert.Contains("the kernel's own domain: DMA, strict; VFIO's are their own, and strict", _output.ToString());
        Assert.Contains("reserved: [0xfee00000, 0xfeefffff] msi", _output.ToString());
    }

    [Fact]
    public void List_is_there_as_json()
    {
        HostList.Run(_fake.Host, [], true, _output);
        using var json = JsonDocument.Parse(_output.ToString());
        var devices = json.RootElement.GetProperty("devices");
        Assert.Equal(5, devices[0].GetProperty("group").GetInt32());
        Assert.Equal("msi", devices[0].GetProperty("reserved")[0].GetProperty("kind").GetString());
        Assert.Equal("DMA strict", $"{devices[0].GetProperty("domain")} {devices[0].GetProperty("policy")}");
        Assert.Equal(JsonValueKind.Null, devices[1].GetProperty("group").ValueKind);
        Assert.Equal("NoIommu", devices[1].GetProperty("problems")[0].GetProperty("code").GetString());
    }

    [Fact]
    public void A_device_is_bound_and_given_back()
    {
        Assert.Equal(0, HostBinding.Bind(_fake.Host, [Disk], false, false, _output));
        Assert.Equal(0, HostBinding.Bind(_fake.Host, [Disk], false, false, _output));
        Assert.Equal(0, HostBinding.Unbind(_fake.Host, [Disk], true, _output));
        Assert.True(_fake.Host.Find(Disk).IsVfio);
        Assert.Equal(0, HostBinding.Unbind(_fake.Host, [Disk], false, _output));
        Assert.Equal(
            ["0000:01:00.0: nvme -> vfio-pci, group 5", "0000:01:00.0: bound to vfio-pci already",
                "0000:01:00.0: would go from vfio-pci back to nvme", "0000:01:00.0: nvme"],
            _output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_dry_run_does_nothing()
    {
        Assert.Equal(0, HostBinding.Bind(_fake.Host, [Disk], true, false, _output));
        Assert.Equal(0, HostSelfTest.Run(_fake.Host, Disk, true, false, _output));
        _fake.Write("proc/swaps", "Filename\n/dev/nvme0n1 partition\n");
        Assert.Equal(1, HostBinding.Bind(_fake.Host, ["02:00.0"], true, false, _output));
        Assert.Contains("in the way: no IOMMU", _output.ToString());
        Assert.Empty(_fake.Written);
        Assert.Equal("nvme", _fake.Host.Find(Disk).Driver);
    }

    [Fact]
    public void Recover_gives_everything_back()
    {
        Assert.Equal(0, HostBinding.Recover(_fake.Host, false, _output));
        HostBinding.Bind(_fake.Host, [Disk], false, false, _output);
        Assert.Equal(0, HostBinding.Recover(_fake.Host, true, _output));
        Assert.Equal([Disk], _fake.Host.Taken);
        _fake.Link("proc/4711/fd/9", "/dev/vfio/5");
        Assert.Equal(1, HostBinding.Recover(_fake.Host, false, _output));
        File.Delete(_fake.At("proc/4711/fd/9"));
        Assert.Equal(0, HostBinding.Recover(_fake.Host, false, _output));
        Assert.Empty(_fake.Host.Taken);
        Assert.Contains("nothing was taken", _output.ToString());
    }

    [Fact]
    public void A_device_without_an_iommu_is_never_shown_or_taken_quietly()
    {
        const string Card = "0000:02:00.0";
        const string Risk = "no IOMMU is in front of 0000:02:00.0: nothing keeps it from reading and overwriting all memory";
        _fake.Write(NoIommuMode.Parameter, "Y");
        Assert.Equal(1, HostBinding.Bind(_fake.Host, [Card], true, false, _output));
        Assert.Equal(0, HostBinding.Bind(_fake.Host, [Card], true, true, _output));
        Assert.Contains($"WARNING: {Risk}", _output.ToString());
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, HostBinding.Bind(_fake.Host, [Card], false, true, _output));
        Assert.Contains("0000:02:00.0: no driver -> vfio-pci, group 7", _output.ToString());
        Assert.Contains($"WARNING: {Risk}", _output.ToString());
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, HostList.Run(_fake.Host, [], false, _output));
        Assert.Contains("vfio-pci   7       no-IOMMU", _output.ToString());
        Assert.Contains($"WARNING: {Risk}", _output.ToString());
        _output.GetStringBuilder().Clear();
        Assert.Equal(1, HostList.Run(_fake.Host, [Card], true, _output));
        using var json = JsonDocument.Parse(_output.ToString());
        Assert.StartsWith(Risk, json.RootElement.GetProperty("devices")[0].GetProperty("warning").GetString());
    }

    [Fact]
    public void What_the_host_refuses_is_no_bad_input()
    {
        Assert.Equal(1, HostCommand.Guard(() => HostBinding.Unbind(_fake.Host, [Disk], false, _output)));
        Assert.Throws<ApertureException>(() => HostCommand.Guard(() => HostBinding.Bind(_fake.Host, ["09:00.0"], false, false, _output)));
    }
}
