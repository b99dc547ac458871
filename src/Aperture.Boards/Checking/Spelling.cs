namespace Aperture.Boards.Checking;

/// <summary>Finds what a misspelt name was meant to be.</summary>
internal static class Spelling
{
    private const int LongestName = 48; // what is longer is none that anybody knows

    /// <summary>The candidate that differs from a name in the fewest letters, if it does so in one, or in two of a long one.</summary>
    public static string? Near(string name, IEnumerable<string> candidates)
    {
        if (name.Length > LongestName)
            return null;
        var best = candidates.Where(candidate => Math.Abs(candidate.Length - name.Length) <= 2)
            .Select(candidate => (Name: candidate, Distance: Distance(name, candidate)))
            .OrderBy(candidate => candidate.Distance)
            .FirstOrDefault();
        return best.Name is not null && best.Distance > 0 && best.Distance <= (name.Length > 5 ? 2 : 1) ? best.Name : null;
    }

    // Letters to insert, remove or replace; two that changed places count once.
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replaced, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }

        return rows[a.Length, b.Length];
    }
}
