using Aperture.Core;

namespace Aperture.Tool;

/// <summary>A file that a command writes. What goes wrong on the way does not disturb the run: it is kept, and told by
/// <see cref="Complete"/>.</summary>
internal sealed class OutputFile : Stream
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly Lock _lock = new(); // between the run and a signal that ends it
    private IOException? _failure;       // the first one; nothing is written after it
    private long _lines;                 // bytes up to the end of the last whole line

    /// <summary>Creates the file, or empties it.</summary>
    /// <exception cref="ApertureException">It cannot be written.</exception>
    public OutputFile(string path)
    {
        _path = path;
        _file = Open(path, FileMode.Create);
    }

    /// <summary>Whether a file can be written, before anything is done whose result goes there.</summary>
    /// <exception cref="ApertureException">It cannot be.</exception>
    public static void Check(string path)
    {
        var isNew = !File.Exists(path);
        Open(path, FileMode.OpenOrCreate).Dispose();
        if (isNew)
            File.Delete(path);
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => _file.CanSeek;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => _file.Position;
        set => _file.Position = value;
    }

    /// <summary>A signal ends the run, and nothing more is written.</summary>
    public void End()
    {
        lock (_lock)
            _failure ??= new IOException("a signal ended the run");
    }

    /// <summary>As <see cref="End"/>; half a line at the end is cut off.</summary>
    public void EndAtLine()
    {
        lock (_lock)
        {
            End();
            _file.SetLength(_lines);
        }
    }

    /// <summary>Says whether everything was written.</summary>
    /// <exception cref="ApertureException">It was not.</exception>
    public void Complete()
    {
        if (_failure is not null)
            throw new ApertureException(Status.IoError, $"'{_path}' could not be written: {_failure.Message}", _failure);
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_lock)
        {
            if (_failure is not null)
                return;
            try
            {
                var before = _file.Position;
                _file.Write(buffer);
                if (buffer.LastIndexOf((byte)'\n') is >= 0 and var end)
                    _lines = before + end + 1;
            }
            catch (IOException e)
            {
                _failure = e;
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is held back.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private static FileStream Open(string path, FileMode mode)
    {
        try
        {
            return new FileStream(path, mode, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ApertureException(Status.IoError, $"'{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _file.Dispose();
        base.Dispose(disposing);
    }
}
