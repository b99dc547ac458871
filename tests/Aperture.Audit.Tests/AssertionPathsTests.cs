namespace Aperture.Audit.Tests;

/// <summary>The audit finds what it is there for.</summary>
public sealed class AssertionPathsTests
{
    private static readonly TestAssemblies s_own = new([typeof(Examples).Assembly.Location]);

    public static TheoryData<string> Shapes => [.. typeof(Examples).GetMethods().Select(method => method.Name)
        .Where(name => name.StartsWith("Silent", StringComparison.Ordinal) || name.StartsWith("Fine", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_shape_is_what_its_name_says(string shape)
    {
        var method = s_own.Modules[0].GetType(typeof(Examples).FullName).Methods.Single(candidate => candidate.Name == shape);
        Assert.Equal(shape.StartsWith("Fine", StringComparison.Ordinal), new AssertionPaths(s_own).Asserts(method));
    }

    [Fact]
    public void A_hook_that_leaves_no_trace_is_found() =>
        Assert.Equal([$"{typeof(Examples).FullName}.{nameof(Examples.SilentAssertsInAHook)}"], new Hooks(s_own).Uncounted());
}
