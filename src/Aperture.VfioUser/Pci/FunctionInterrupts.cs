using Aperture.Hardware.Bus;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser;

/// <summary>How a function's interrupts reach its client: a line by one event file, vectors by one each.</summary>
/// <remarks>
/// <para>The line is a level. The client hears of it once, and masks it thereby; when the guest has touched the device the client unmasks,
/// and hears of it again if it is still high. So a level that holds is told again and again, and none that went away.</para>
/// <para>A vector without an event file is masked by the client: what is raised meanwhile stays pending, and is sent when a file
/// comes.</para>
/// </remarks>
internal sealed class FunctionInterrupts(PciFunction function, int vectors)
{
    private readonly Lock _lock = new();
    private readonly SafeFileHandle?[] _files = new SafeFileHandle?[vectors];
    private readonly byte[] _pending = new byte[(vectors + 7) / 8];
    private readonly List<InterruptLine> _lines = [];
    private SafeFileHandle? _lineFile;
    private bool _isMasked; // the line's

    public ulong Sent { get; private set; }

    /// <summary>A block drives the function's line.</summary>
    public void AddLine(InterruptLine line)
    {
        lock (_lock)
            _lines.Add(line);
        line.Changed += _ => Refresh();
    }

    /// <summary>A block's line raises a vector each time that it rises.</summary>
    public void AddLine(InterruptLine line, int vector) => line.Changed += level =>
    {
        if (level)
            Raise(vector);
    };

    /// <summary>Looks at the level again.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            if (_isMasked || _lineFile is null || function.Configuration.DisablesLine || !IsHigh())
                return;
            _isMasked = true;
            Signal(_lineFile, -1);
        }
    }

    /// <summary>Raises a vector.</summary>
    public void Raise(int vector)
    {
        lock (_lock)
        {
            if (_files[vector] is { } file)
                Signal(file, vector);
            else
                _pending[vector / 8] |= (byte)(1 << (vector % 8));
        }
    }

    /// <summary>Signals the line whatever its level is: a client's test.</summary>
    public void SignalLine()
    {
        lock (_lock)
        {
            if (_lineFile is { } file)
                Signal(file, -1);
        }
    }

    public void SetMask(bool isMasked)
    {
        lock (_lock)
            _isMasked = isMasked;
        Refresh();
    }

    /// <summary>Gives the line another file; the old one is closed.</summary>
    public void SetLineFile(SafeFileHandle? file)
    {
        lock (_lock)
        {
            _lineFile?.Dispose();
            _lineFile = file;
            _isMasked = false;
        }

        Refresh();
    }

    /// <summary>Gives a vector another file; the old one is closed, and what is pending is sent.</summary>
    public void SetFile(int vector, SafeFileHandle? file)
    {
        lock (_lock)
        {
            _files[vector]?.Dispose();
            _files[vector] = file;
            var bit = (byte)(1 << (vector % 8));
            if (file is null || (_pending[vector / 8] & bit) == 0)
                return;
            _pending[vector / 8] &= (byte)~bit;
            Signal(file, vector);
        }
    }

    public void CopyPending(int offset, Span<byte> destination)
    {
        lock (_lock)
        {
            if (offset < _pending.Length)
                _pending.AsSpan(offset, Math.Min(destination.Length, _pending.Length - offset)).CopyTo(destination);
        }
    }

    /// <summary>A reset of the function: nothing is pending. Files stay.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            Array.Clear(_pending);
            _isMasked = false;
        }

        Refresh();
    }

    /// <summary>The client has gone.</summary>
    public void Disconnect()
    {
        SetLineFile(null);
        for (var i = 0; i < vectors; i++)
            SetFile(i, null);
    }

    /// <summary>Closes all files of a kind.</summary>
    public void Clear(uint index)
    {
        if (index == InterruptIndex.Line)
            SetLineFile(null);
        for (var i = 0; index == InterruptIndex.Msix && i < vectors; i++)
            SetFile(i, null);
    }

    private bool IsHigh()
    {
        foreach (var line in _lines)
        {
            if (line.IsAsserted)
                return true;
        }

        return false;
    }

    private void Signal(SafeFileHandle file, int vector)
    {
        if (EventFile.TrySignal(file))
        {
            Sent++;
            function.Observer?.OnInterrupt(function, vector);
        }
    }
}
