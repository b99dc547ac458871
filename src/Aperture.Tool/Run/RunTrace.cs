using Aperture.Core;
using Aperture.Diagnostics;

namespace Aperture.Tool.Run;

/// <summary>The file for a run's events: lines of text, or a <c>trace.dat</c> where its name ends in <c>.dat</c>. Whatever ends the run, it
/// ends with a whole event.</summary>
internal sealed class RunTrace : IDisposable
{
    private readonly string _path;
    private readonly TraceKernel _kernel;
    private readonly OutputFile _file;
    private readonly Ending _ending;
    private StreamWriter? _lines;
    private TraceDatWriter? _binary;

    /// <summary>Creates the file, or empties it.</summary>
    /// <exception cref="ApertureException">It cannot be written.</exception>
    public RunTrace(string path, TraceKernel kernel)
    {
        (_path, _kernel, _file) = (path, kernel, new OutputFile(path));
        _ending = Ending.Before(End);
    }

    /// <summary>Kernels whose names events can have, by what they are called on the command line.</summary>
    public static IReadOnlyDictionary<string, TraceKernel> Kernels { get; } = new Dictionary<string, TraceKernel>
    {
        ["6.1"] = TraceKernel.Linux61,
        ["6.12"] = TraceKernel.Linux612,
        ["7.2"] = TraceKernel.Linux618,
    };

    /// <summary>What the machine tells its events.</summary>
    /// <exception cref="ApertureException">The file cannot hold them.</exception>
    public DmaTrace Begin(TimeProvider time)
    {
        if (!Path.GetExtension(_path).Equals(".dat", StringComparison.OrdinalIgnoreCase))
            return new FtraceWriter(_lines = new StreamWriter(_file, leaveOpen: true), time, kernel: _kernel);
        try
        {
            return _binary = new TraceDatWriter(_file, time, kernel: _kernel);
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"'{_path}': {e.Message}", e);
        }
    }

    /// <summary>Writes the rest, and says whether everything was written.</summary>
    /// <exception cref="ApertureException">It was not.</exception>
    public void Complete()
    {
        _lines?.Flush();
        _binary?.Finish();
        _file.Complete();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ending.Dispose();
        _lines?.Dispose();
        _binary?.Dispose();
        _file.Dispose();
    }

    private void End()
    {
        if (_binary is null)
        {
            _file.EndAtLine();
            return;
        }

        _binary.Finish();
        _file.End();
    }
}
