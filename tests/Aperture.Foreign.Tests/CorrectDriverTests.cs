using System.Reflection;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests;

/// <summary>Drivers without a mistake: the sanitizer has nothing to say of any, on any way to memory, with and without caches.</summary>
public sealed class CorrectDriverTests
{
    private static readonly Dictionary<string, MethodInfo> s_drivers = typeof(CorrectDriverTests).Assembly.GetTypes()
        .Where(type => type.Namespace == "Aperture.Foreign.Tests.Correct" && type is { IsAbstract: true, IsSealed: true })
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
        .ToDictionary(method => $"{method.DeclaringType!.Name}.{method.Name}");

    public static TheoryData<string> Drivers => [.. s_drivers.Keys.Order()];

    [Theory]
    [MemberData(nameof(Drivers))]
    public void Nothing_is_found_and_the_bytes_are_right(string name)
    {
        var driver = s_drivers[name].CreateDelegate<Action<Board>>();
        var ways = s_drivers[name].GetCustomAttribute<OnAttribute>()?.Ways ?? Ways.All;
        var wrong = new List<string>();
        foreach (var setting in Enum.GetValues<Ways>().Where(way => int.IsPow2((int)way) && ways.HasFlag(way)).SelectMany(Setting.Of))
        {
            try
            {
                using var board = new Board(setting);
                driver(board);
                board.UnbindAll();
                board.Sanitizer.AssertClean(isOver: true);
                Assert.Equal(0, board.A.Hw.Failures + board.B.Hw.Failures + board.C.Hw.Failures);
                Assert.Equal(0, board.Machine.Drivers.Dma.BouncePool.UsedSlots);
            }
            catch (Exception e)
            {
                wrong.Add($"{setting}: {e.Message}{Place(e)}");
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} settings: {string.Join('\n', wrong)}");
    }

    [Fact]
    public void There_are_a_hundred() => Assert.InRange(s_drivers.Count, 100, 1000);

    private static string Place(Exception e) => e.StackTrace is { } stack ? $"\n{string.Join('\n', stack.Split('\n').Take(6))}" : "";
}
