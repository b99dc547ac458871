using Mono.Cecil;

namespace Aperture.Audit.Tests;

/// <summary>What is known of a value without running anything.</summary>
internal abstract record AbstractValue
{
    /// <summary>Nothing is known.</summary>
    public static AbstractValue Unknown { get; } = new Any();

    /// <summary>No object.</summary>
    public static AbstractValue Null { get; } = new Int(0);

    /// <summary>Anything.</summary>
    public sealed record Any : AbstractValue;

    /// <summary>A number, a bool, an enum, or null (0).</summary>
    public sealed record Int(long Value) : AbstractValue;

    /// <summary>An array or a list of which the length is known.</summary>
    public sealed record Sequence(long Length) : AbstractValue;

    /// <summary>A delegate of a known method.</summary>
    public sealed record Function(MethodDefinition Method) : AbstractValue;
}
