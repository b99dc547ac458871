using System.Reflection;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests;

/// <summary>Drivers with one mistake each: it is found as what it is, and nothing else is.</summary>
public sealed class BrokenDriverTests
{
    private static readonly Dictionary<string, MethodInfo> s_drivers = typeof(BrokenDriverTests).Assembly.GetTypes()
        .Where(type => type.Namespace == "Aperture.Foreign.Tests.Broken" && type is { IsAbstract: true, IsSealed: true })
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
        .ToDictionary(method => $"{method.DeclaringType!.Name}.{method.Name}");

    public static TheoryData<string> Drivers => [.. s_drivers.Where(pair => !IsMissed(pair.Value)).Select(pair => pair.Key).Order()];

    public static TheoryData<string> Missed => [.. s_drivers.Where(pair => IsMissed(pair.Value)).Select(pair => pair.Key).Order()];

    [Theory]
    [MemberData(nameof(Drivers))]
    public void The_mistake_is_told_as_what_it_is(string name)
    {
        var wrong = Run(name);
        Assert.True(wrong.Count == 0, $"{wrong.Count} settings: {string.Join('\n', wrong)}");
    }

    /// <summary>Whoever mends one takes its attribute away.</summary>
    [Theory]
    [MemberData(nameof(Missed))]
    public void What_is_missed_is_known(string name) => Assert.NotEmpty(Run(name));

    [Fact]
    public void There_are_a_hundred_and_few_are_missed()
    {
        Assert.InRange(s_drivers.Count, 100, 1000);
        Assert.InRange(s_drivers.Values.Count(IsMissed), 0, 3);
    }

    private static bool IsMissed(MethodInfo method) => method.GetCustomAttribute<MissedAttribute>() is not null;

    /// <summary>What is wrong, on which settings.</summary>
    private static List<string> Run(string name)
    {
        var driver = s_drivers[name].CreateDelegate<Func<Board, Mistake>>();
        var ways = s_drivers[name].GetCustomAttribute<OnAttribute>()?.Ways ?? Ways.All;
        var wrong = new List<string>();
        foreach (var setting in Enum.GetValues<Ways>().Where(way => int.IsPow2((int)way) && ways.HasFlag(way)).SelectMany(Settings))
        {
            try
            {
                using var board = new Board(setting);
                var mistake = driver(board);
                board.UnbindAll();
                var findings = board.Sanitizer.Findings.ToList();
                if (findings.Count == 0)
                    wrong.Add($"{setting}: nothing was found");
                else if (mistake.Differs(findings[0]) is { } why)
                    wrong.Add($"{setting}: {why}: {findings[0]}");
                foreach (var other in findings.Skip(1))
                    wrong.Add($"{setting}: and {other}");
            }
            catch (Exception e)
            {
                wrong.Add($"{setting}: {e}");
            }
        }

        return wrong;
    }

    private static IEnumerable<Setting> Settings(Ways way) =>
        [new(way, CacheMaintenance.Arm64, null), new(way, CacheMaintenance.Arm64, new CpuCacheOptions()),
        new(way, CacheMaintenance.Mips, new CpuCacheOptions())];
}
