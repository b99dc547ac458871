namespace Aperture.Conformance;

/// <summary>The result of one way to replay a file: how many comparisons held, and the first that did not.</summary>
public sealed class ReplayPart
{
    /// <summary>Comparisons that held.</summary>
    public int Passed { get; private set; }

    /// <summary>Comparisons that did not.</summary>
    public int Failed { get; private set; }

    /// <summary>The first comparison that did not hold.</summary>
    public Divergence? First { get; private set; }

    /// <summary>Counts a comparison.</summary>
    /// <param name="holds">Whether it held.</param>
    /// <param name="line">The line that says what to expect.</param>
    /// <param name="expected">What it says; asked only on failure.</param>
    /// <param name="got">What came instead; asked only on failure.</param>
    /// <returns><paramref name="holds"/>.</returns>
    public bool Check(bool holds, int line, Func<string> expected, Func<string> got)
    {
        if (holds)
        {
            Passed++;
            return true;
        }

        Failed++;
        if (First is null)
        {
            ArgumentNullException.ThrowIfNull(expected);
            ArgumentNullException.ThrowIfNull(got);
            First = new Divergence(line, expected(), got());
        }

        return false;
    }

    /// <summary>Compares two numbers, shown as hexadecimal.</summary>
    public bool CheckHex(int line, string what, ulong expected, ulong got) =>
        Check(expected == got, line, () => $"{what} 0x{expected:x}", () => $"0x{got:x}");

    /// <summary>Compares two numbers.</summary>
    public bool CheckNumber(int line, string what, long expected, long got) =>
        Check(expected == got, line, () => $"{what} {expected}", () => $"{got}");

    /// <summary>Counts something that should never happen.</summary>
    public void Fail(int line, string expected, string got) => Check(false, line, () => expected, () => got);
}

/// <summary>Where a replay and the recording part.</summary>
/// <param name="Line">The line of the file.</param>
/// <param name="Expected">What the recording says.</param>
/// <param name="Got">What came instead.</param>
public sealed record Divergence(int Line, string Expected, string Got);
