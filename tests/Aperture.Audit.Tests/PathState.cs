using System.Collections.Immutable;
using Mono.Cecil;

namespace Aperture.Audit.Tests;

/// <summary>Where a path through a method is, and what is known there.</summary>
/// <param name="At">Index of the next instruction.</param>
/// <param name="Stack">The evaluation stack, its top last.</param>
/// <param name="Locals">Local variables; what is absent is unknown.</param>
/// <param name="Fields">Fields of closures and state machines; what is absent is unknown.</param>
/// <param name="Leaving">Where the path goes on behind the finally blocks that it is in, the innermost last.</param>
internal sealed record PathState(
    int At,
    ImmutableList<AbstractValue> Stack,
    ImmutableDictionary<int, AbstractValue> Locals,
    ImmutableDictionary<FieldDefinition, AbstractValue> Fields,
    ImmutableList<int> Leaving)
{
    public static PathState Start { get; } = new(
        0,
        [],
        ImmutableDictionary<int, AbstractValue>.Empty,
        ImmutableDictionary<FieldDefinition, AbstractValue>.Empty,
        []);

    /// <summary>The same place with nothing known.</summary>
    public PathState Forget() => this with
    {
        Stack = [.. Stack.Select(value => value is AbstractValue.Function ? value : AbstractValue.Unknown)],
        Locals = Locals.RemoveRange(Locals.Where(local => local.Value is not AbstractValue.Function).Select(local => local.Key)),
        Fields = Fields.RemoveRange(Fields.Where(field => field.Value is not AbstractValue.Function).Select(field => field.Key)),
    };

    public PathState Push(AbstractValue value) => this with { Stack = Stack.Add(value) };

    public PathState Pop(int count = 1) => this with { Stack = Stack.RemoveRange(Stack.Count - count, count) };

    public AbstractValue Top(int below = 0) => Stack[^(below + 1)];

    /// <summary>A text that is equal for equal states.</summary>
    public string Key() => string.Join(
        '|',
        At,
        string.Join(',', Stack),
        string.Join(',', Locals.OrderBy(local => local.Key)),
        string.Join(
            ',', Fields.OrderBy(field => field.Key.FullName, StringComparer.Ordinal).Select(field => $"{field.Key.Name}={field.Value}")),
        string.Join(',', Leaving));
}
