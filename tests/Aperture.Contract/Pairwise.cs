namespace Aperture.Contract;

/// <summary>Rows of choices in which every two choices of different factors meet at least once.</summary>
public static class Pairwise
{
    /// <summary>Makes the rows; always the same for the same factors.</summary>
    /// <param name="levels">How many choices each factor has.</param>
    /// <returns>Rows with a choice for each factor.</returns>
    public static IReadOnlyList<int[]> Rows(params IReadOnlyList<int> levels)
    {
        ArgumentNullException.ThrowIfNull(levels);
        var open = new HashSet<(int Factor, int Choice, int Other, int OtherChoice)>();
        for (var factor = 0; factor < levels.Count; factor++)
        {
            for (var other = factor + 1; other < levels.Count; other++)
            {
                for (var pair = 0; pair < levels[factor] * levels[other]; pair++)
                    open.Add((factor, pair % levels[factor], other, pair / levels[factor]));
            }
        }

        var rows = new List<int[]>();
        while (open.Count > 0)
        {
            // The first pair that is open, and for each other factor the choice that meets most that is open.
            var row = new int[levels.Count];
            Array.Fill(row, -1);
            var first = open.Min();
            (row[first.Factor], row[first.Other]) = (first.Choice, first.OtherChoice);
            for (var factor = 0; factor < row.Length; factor++)
            {
                if (row[factor] < 0)
                    row[factor] = Enumerable.Range(0, levels[factor]).MaxBy(choice => Meets(row, factor, choice, open));
            }

            open.RemoveWhere(pair => row[pair.Factor] == pair.Choice && row[pair.Other] == pair.OtherChoice);
            rows.Add(row);
        }

        return rows;
    }

    private static int Meets(int[] row, int factor, int choice, HashSet<(int Factor, int Choice, int Other, int OtherChoice)> open)
    {
        var count = 0;
        for (var other = 0; other < row.Length; other++)
        {
            if (other == factor || row[other] < 0)
                continue;
            var pair = factor < other ? (factor, choice, other, row[other]) : (other, row[other], factor, choice);
            count += open.Contains(pair) ? 1 : 0;
        }

        return count;
    }
}
