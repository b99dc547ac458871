using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

/// <summary>One entry of a list of references: a phandle and the arguments that the node it names asks for.</summary>
/// <param name="Phandle">The number as written.</param>
/// <param name="Target">The node; null unless there is one of that phandle.</param>
/// <param name="Arguments">The arguments; empty when <paramref name="Error"/> is set.</param>
/// <param name="Name">The matching entry of the list's names; null without one.</param>
/// <param name="Error">What is wrong; <see cref="PhandleError.None"/> when the entry is usable.</param>
public readonly record struct PhandleReference(
    uint Phandle, DeviceTreeNode? Target, ImmutableArray<uint> Arguments, string? Name, PhandleError Error)
{
    /// <summary>The most arguments a reference may have.</summary>
    public const int MaximumArguments = 16;

    /// <summary>Whether the entry can be used.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Target))]
    public bool IsValid => Error == PhandleError.None;
}
