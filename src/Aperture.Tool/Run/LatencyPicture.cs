using System.Text;
using Aperture.Boards.Running;
using ScottPlot;

namespace Aperture.Tool.Run;

/// <summary>A picture of how long requests took: a line for each phase, from the median to one in ten thousand.</summary>
internal static class LatencyPicture
{
    private const int Width = 1200, Height = 700;
    private const int Steps = 80;     // of a line
    private const double Nines = 4;   // as far as the lines go: 99.99 %

    /// <summary>The bytes of an SVG file where the name says so, else of a PNG file.</summary>
    public static byte[] Make(string title, IReadOnlyList<PhaseTimes> phases, string path)
    {
        using var plot = new Plot();
        plot.Add.Palette = new ScottPlot.Palettes.Category20();
        foreach (var phase in phases)
        {
            var latencies = new Latencies(phase);
            var (places, values) = (new double[Steps + 1], new double[Steps + 1]);
            for (var i = 0; i <= Steps; i++)
            {
                places[i] = Nines * i / Steps;
                values[i] = Math.Log10(Math.Max(latencies.At(100 * (1 - Math.Pow(10, -places[i]))), 1) / 1000.0);
            }

            var line = plot.Add.Scatter(places, values);
            line.MarkerSize = 0;
            line.LineWidth = 2;
            line.LegendText = phase.Name;
        }

        plot.Title(title);
        plot.XLabel("requests that took no longer");
        plot.YLabel("µs by wall clock");
        plot.Axes.Bottom.SetTicks([0, 1, 2, 3, 4], ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        plot.Axes.Left.SetTicks([-1, 0, 1, 2, 3, 4, 5], ["0.1", "1", "10", "100", "1,000", "10,000", "100,000"]);
        plot.ShowLegend(Edge.Right);
        return path.EndsWith(".svg", StringComparison.OrdinalIgnoreCase)
            ? Encoding.UTF8.GetBytes(plot.GetSvgXml(Width, Height))
            : plot.GetImageBytes(Width, Height, ImageFormat.Png);
    }
}
