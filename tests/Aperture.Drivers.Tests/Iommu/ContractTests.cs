using Aperture.Contract;
using Aperture.Core;
using Aperture.Drivers.Tests.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>The contract notices who breaks it.</summary>
public sealed class ContractTests : IDisposable
{
    private readonly UnitBoard _board = new ExynosBoard(SysMmuOptions.V5);

    public void Dispose() => _board.Dispose();

    [Fact]
    public void Every_check_has_a_name_of_its_own_and_a_rule()
    {
        Assert.Equal(IommuContract.Checks.Count, IommuContract.Checks.Select(check => check.Name).Distinct().Count());
        Assert.All(IommuContract.Checks, check => Assert.NotEmpty(check.Rule));
        Assert.Null(IommuContract.Find("nothing"));
    }

    [Fact]
    public void A_whole_run_leaves_nothing_behind()
    {
        var subject = new BoardSubject(_board);
        IommuContract.Run(subject);
        var used = _board.Pages.UsedPages;
        Assert.All(IommuContract.Run(subject), result => Assert.True(result.IsOk, result.ToString()));
        Assert.Equal(used, _board.Pages.UsedPages);
    }

    [Fact]
    public void A_difference_that_is_none_is_a_failure()
    {
        var subject = new Wrong(new BoardSubject(_board)) { Differences = new Dictionary<string, string> { ["map-reaches"] = "said so" } };
        Assert.Equal(ContractOutcome.Fails, IommuContract.Find("map-reaches")!.Run(subject).Outcome);
        Assert.Equal(ContractOutcome.Holds, IommuContract.Find("map-overlap")!.Run(subject).Outcome);
    }

    [Theory]
    [InlineData("map-reaches")]
    [InlineData("unmap-forgets")]
    [InlineData("unmap-part")]
    [InlineData("replace-leaves-nothing")]
    [InlineData("detach-blocks")]
    [InlineData("domain-leave")]
    [InlineData("again-power")]
    [InlineData("again-lives")]
    [InlineData("left-failure")]
    [InlineData("random-1")]
    public void A_master_that_passes_the_unit_by_is_noticed(string check)
    {
        var result = IommuContract.Find(check)!.Run(new Wrong(new BoardSubject(_board)) { Bypasses = true });
        Assert.Equal(ContractOutcome.Fails, result.Outcome);
        Assert.NotEmpty(result.Detail);
    }

    [Theory]
    [InlineData("map-reaches")]
    [InlineData("map-scattered")]
    [InlineData("attach-order")]
    public void A_master_whose_writes_are_lost_is_noticed(string check)
    {
        var wrong = new Wrong(new BoardSubject(_board)) { LosesWrites = true };
        Assert.Equal(ContractOutcome.Fails, IommuContract.Find(check)!.Run(wrong).Outcome);
        wrong = new Wrong(new BoardSubject(_board))
        {
            LosesWrites = true,
            Differences = new Dictionary<string, string> { [check] = "it loses writes" },
        };
        Assert.Equal(new ContractResult(check, ContractOutcome.Differs, "it loses writes"), IommuContract.Find(check)!.Run(wrong));
    }

    [Fact]
    public void With_one_master_nothing_is_shared()
    {
        var alone = new Wrong(new BoardSubject(_board)) { IsAlone = true };
        Assert.Equal(ContractOutcome.NotApplicable, IommuContract.Find("domain-shared")!.Run(alone).Outcome);
        Assert.Equal(ContractOutcome.Holds, IommuContract.Find("map-reaches")!.Run(alone).Outcome);
    }

    [Theory]
    [InlineData("left-success")]
    [InlineData("left-failure")]
    public void What_is_left_behind_is_noticed(string check)
    {
        Assert.Equal(ContractOutcome.Holds, IommuContract.Find(check)!.Run(new BoardSubject(_board)).Outcome);
        var result = IommuContract.Find(check)!.Run(new Wrong(new BoardSubject(_board)) { Leaks = true });
        Assert.Equal(ContractOutcome.Fails, result.Outcome);
        Assert.Contains("contexts in use after life 2", result.Detail, StringComparison.Ordinal);
    }

    /// <summary>Who cannot switch the power is held to all the rest.</summary>
    [Fact]
    public void Without_power_to_switch_its_checks_do_not_concern_it()
    {
        var subject = new Wrong(new BoardSubject(_board)) { HasNoPower = true };
        Assert.Equal(ContractOutcome.NotApplicable, IommuContract.Find("again-power")!.Run(subject).Outcome);
        Assert.Equal(ContractOutcome.Holds, IommuContract.Find("again-partial")!.Run(subject).Outcome);
    }

    [Fact]
    public void Every_two_choices_of_different_features_meet()
    {
        int[] levels = [2, 7, 3, 2, 7, 2, 3];
        var rows = Pairwise.Rows(levels);
        Assert.InRange(rows.Count, 49, 60);
        for (var factor = 0; factor < 7; factor++)
        {
            for (var other = factor + 1; other < 7; other++)
                Assert.Equal(levels[factor] * levels[other], rows.Select(row => (row[factor], row[other])).Distinct().Count());
        }

        Assert.Equal(rows.Count, IommuContract.Checks.Count(check => check.Name.StartsWith("pair-", StringComparison.Ordinal)));
    }

    /// <summary>A subject with something wrong about it.</summary>
    private sealed class Wrong(BoardSubject inner) : IContractSubject
    {
        private int _asked; // how often it was asked what is in use

        public bool Bypasses { get; init; }

        public bool LosesWrites { get; init; }

        public bool IsAlone { get; init; }

        public bool Leaks { get; init; }

        public bool HasNoPower { get; init; }

        public string Name => inner.Name;

        public IommuUnit Unit => inner.Unit;

        public IReadOnlyList<IContractMaster> Masters =>
            [.. inner.Masters.Take(IsAlone ? 1 : 2).Select(master => new WrongMaster(this, master))];

        public PhysicalAddress Memory => inner.Memory;

        public int MemoryBytes => inner.MemoryBytes;

        public IReadOnlyDictionary<string, string> Differences { get; init; } = new Dictionary<string, string>();

        public IReadOnlyDictionary<string, long> InUse =>
            new Dictionary<string, long>(inner.InUse) { ["contexts"] = Leaks ? _asked++ : 0 };

        public bool TryPower(bool isOn, bool losesState) => !HasNoPower && inner.TryPower(isOn, losesState);

        public void Store(int offset, ReadOnlySpan<byte> bytes) => inner.Store(offset, bytes);

        public void Load(int offset, Span<byte> bytes) => inner.Load(offset, bytes);

        private sealed class WrongMaster(Wrong subject, IContractMaster master) : IContractMaster
        {
            public IommuGroup Group => master.Group;

            public Iova Highest => master.Highest;

            public void Read(Iova address, Span<byte> bytes)
            {
                master.Read(address, bytes);
                if (subject.Bypasses)
                    subject.Load((int)(address.Value % 4096), bytes);
            }

            public void Write(Iova address, ReadOnlySpan<byte> bytes)
            {
                if (subject.Bypasses)
                    subject.Store((int)(address.Value % 4096), bytes);
                else if (!subject.LosesWrites)
                    master.Write(address, bytes);
            }
        }
    }
}
