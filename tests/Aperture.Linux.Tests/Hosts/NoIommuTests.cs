using Aperture.Core;
using Aperture.Linux.Hosts;
using Aperture.Linux.Pci;
using Aperture.Linux.Tests.Fakes;

namespace Aperture.Linux.Tests.Hosts;

/// <summary>Functions without an IOMMU: only for those who ask for it, and never quietly.</summary>
public sealed class NoIommuTests : IDisposable
{
    private const string Card = "0000:03:00.0";
    private const string Risk = "no IOMMU is in front of 0000:03:00.0: nothing keeps it from reading and overwriting all memory";

    private readonly FakeHost _fake = new();

    public NoIommuTests() => _fake.Add(Card, "8086:1234", "020000", null, "e1000e");

    private LinuxHost Host => _fake.Host;

    public void Dispose() => _fake.Dispose();

    [Fact]
    public void Is_refused_to_those_who_do_not_ask()
    {
        _fake.Write(NoIommuMode.Parameter, "Y");
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(Card));
        Assert.Contains("no IOMMU is in front of 0000:03:00.0: switch it on", refusal.Message);
        Assert.Empty(_fake.Written);
        Assert.Empty(_fake.Log.Lines);
    }

    [Fact]
    public void Is_given_to_those_who_ask_with_a_warning_each_time()
    {
        _fake.Write(NoIommuMode.Parameter, "Y");
        Directory.Delete(_fake.At("sys/module/vfio_iommu_type1"), recursive: true); // not needed here
        var problem = Assert.Single(Host.Explain(Card, unsafeNoIommu: true));
        Assert.False(problem.IsFatal);
        Assert.Contains(Risk, problem.Message);
        Assert.Equal("e1000e", Host.Bind(Card, unsafeNoIommu: true));
        Host.Bind(Card, unsafeNoIommu: true);
        Assert.Equal(2, _fake.Log.Lines.Count(line => line.StartsWith($"Warning: {Risk}", StringComparison.Ordinal)));
        var function = Host.Find(Card);
        Assert.True(function.IsNoIommu);
        Assert.Equal((7, IommuKind.None), (function.Group, function.Iommu));
        Assert.StartsWith(Risk, function.Warning);
        Assert.Equal("e1000e", Host.Unbind(Card));
    }

    [Fact]
    public void A_function_that_is_bound_already_is_still_refused_to_those_who_do_not_ask()
    {
        _fake.Write(NoIommuMode.Parameter, "Y");
        Host.Bind(Card, unsafeNoIommu: true);
        var problem = Host.Explain(Card)[0];
        Assert.True(problem.IsFatal);
        Assert.Contains("--unsafe-no-iommu", problem.Remedy);
        Assert.Contains(Risk, Assert.Throws<ApertureException>(() => Host.Bind(Card)).Message);
    }

    [Fact]
    public void A_group_that_turns_out_to_be_made_up_is_given_back_to_those_who_did_not_ask()
    {
        _fake.Write(NoIommuMode.Parameter, "Y");
        Directory.CreateDirectory(_fake.At("sys/class/iommu/dmar0")); // there is one, and binding might bring the function behind it
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(Card));
        Assert.Contains(Risk, refusal.Message);
        Assert.Contains("it is back with e1000e", refusal.Message);
        Assert.Equal("e1000e", Host.Find(Card).Driver);
        Assert.Empty(Host.Taken);
    }

    [Fact]
    public void Says_that_the_kernel_has_the_mode_not_or_off()
    {
        Directory.CreateDirectory(_fake.At("sys/module/vfio"));
        Assert.Contains("CONFIG_VFIO_NOIOMMU", Assert.Throws<ApertureException>(() => Host.Bind(Card, unsafeNoIommu: true)).Message);
        _fake.Write(NoIommuMode.Parameter, "N");
        var refusal = Assert.Throws<ApertureException>(() => Host.Bind(Card, unsafeNoIommu: true));
        Assert.Contains("mode is off: echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode", refusal.Message);
        Assert.Empty(_fake.Written);
    }

    [Fact]
    public void Does_not_change_what_happens_to_a_function_behind_an_iommu()
    {
        _fake.Add("0000:01:00.0", "1b36:0010", "010802", 5, "nvme");
        Host.Bind("0000:01:00.0", unsafeNoIommu: true);
        Assert.False(Host.Find("0000:01:00.0").IsNoIommu);
        Assert.Null(Host.Find("0000:01:00.0").Warning);
        Assert.Empty(_fake.Log.Lines);
    }

    [Fact]
    public void Whoever_has_it_open_is_named()
    {
        _fake.Write(NoIommuMode.Parameter, "Y");
        Host.Bind(Card, unsafeNoIommu: true);
        _fake.Link("proc/4711/fd/9", "/dev/vfio/noiommu-7");
        Assert.Contains("process 4711 has /dev/vfio/noiommu-7 open", Assert.Throws<ApertureException>(() => Host.Unbind(Card)).Message);
    }

    [Fact]
    public void Is_opened_only_for_those_who_ask_and_said_aloud()
    {
        _fake.Write(NoIommuMode.Parameter, "Y");
        Host.Bind(Card, unsafeNoIommu: true);
        var log = new FakeLogger();
        var opened = new List<PciFunction>();
        using var machine = new HostMachine(new() { Root = _fake.At(""), Logger = log }, function =>
        {
            opened.Add(function);
            return new FakeSpace("IOMMU group 7") { HasIommu = false };
        });
        var refusal = Assert.Throws<ApertureException>(() => machine.Open(Card));
        Assert.Equal(Status.NotPermitted, refusal.Status);
        Assert.Contains("HostDeviceOptions.UnsafeNoIommu", refusal.Message);
        Assert.Empty(opened);
        Assert.Empty(log.Lines);
        Assert.Contains("is no real device",
            Assert.Throws<ApertureException>(() => machine.Open(Card, new HostDeviceOptions { UnsafeNoIommu = true })).Message);
        Assert.True(Assert.Single(opened).IsNoIommu);
        Assert.StartsWith($"Warning: {Risk}", Assert.Single(log.Lines));
    }
}
