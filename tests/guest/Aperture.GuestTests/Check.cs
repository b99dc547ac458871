using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.GuestTests;

/// <summary>What tests say must hold.</summary>
internal static class Check
{
    public static void That(bool holds, [CallerArgumentExpression(nameof(holds))] string what = "")
    {
        if (!holds)
            throw new CheckException($"does not hold: {what}");
    }

    public static void Equal<T>(T expected, T actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new CheckException($"{what} is {actual}, not {expected}");
    }

    public static void Equal(string expected, string? actual, string what, StringComparer comparer) =>
        That(comparer.Equals(expected, actual), $"{what} is {actual}, not {expected}");

    /// <summary>Expects a refusal with a status, whose message says certain words.</summary>
    public static void Refused(Status status, Action action, params string[] words)
    {
        try
        {
            action();
        }
        catch (ApertureException e)
        {
            Equal(status, e.Status, $"status of '{e.Message}'");
            foreach (var word in words)
                That(e.Message.Contains(word, StringComparison.Ordinal), $"'{e.Message}' says '{word}'");
            return;
        }

        throw new CheckException($"was not refused with {status}");
    }
}
