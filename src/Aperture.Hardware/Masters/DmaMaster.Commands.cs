using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The engine: takes chunk after chunk from the source to where the command wants it.</summary>
public sealed partial class DmaMaster
{
    private bool _running;   // the engine is on the stack: a register access comes from an interrupt handler below it
    private bool _abort;     // the running command was aborted or reset by such an access
    private DmaMasterCommand _activeCommand;
    private ulong _activeLength;
    private ulong _activeSeed;
    private ulong _activePosition;
    private DmaMasterCursor _from;
    private DmaMasterCursor _to;
    private ulong _chunksDone;           // bytes of the chunks that are finished
    private int _chunkSize;              // bytes of the current chunk
    private int _filled;                 // bytes of the current chunk that were read or generated
    private int _drained;                // bytes of the current chunk that were written
    private DmaMasterChecksum _sum;

    private bool IsActive => _status.IsBusy || _status.IsStalled;

    private void Start(DmaMasterCommand command)
    {
        if (_running || IsActive)
            return;
        _command = command;
        _bytesDone = _checksum = _faultAddress = 0;
        _difference = 0;
        var readPort = (int)(_port & 0xFF);
        var writePort = (int)(_port >> 8);
        if (command is < DmaMasterCommand.Read or > DmaMasterCommand.Verify
            || (command != DmaMasterCommand.Fill && (readPort >= _ports.Length || _sourceCount > DmaMasterRegisters.MaxDescriptors))
            || (command is DmaMasterCommand.Fill or DmaMasterCommand.Copy
                && (writePort >= _ports.Length || _destinationCount > DmaMasterRegisters.MaxDescriptors)))
        {
            End(DmaMasterError.BadCommand, 0);
            return;
        }

        _activeCommand = command;
        _activeLength = _length;
        _activeSeed = _seed;
        _activePosition = _position;
        _from = new DmaMasterCursor(readPort, new Iova(_source), _length, _sourceCount);
        _to = new DmaMasterCursor(writePort, new Iova(_destination), _length, _destinationCount);
        _chunksDone = 0;
        _filled = _drained = 0;
        _sum = default;
        Run();
    }

    private void Control(uint value)
    {
        if ((value & DmaMasterRegisters.ControlAbort) != 0)
        {
            if (_running)
                _abort = true;
            else if (_status.IsStalled)
                End(DmaMasterError.Aborted, _status.Value & (DmaMasterStatus.WriteBit | DmaMasterStatus.ListBit));
            else if (IsPaused)
                AbortPaused();
        }
        else if ((value & DmaMasterRegisters.ControlResume) != 0 && _status.IsStalled && !_running)
        {
            Run();
        }
    }

    /// <inheritdoc/>
    protected override void GoOn() => Run();

    private void AbortPaused()
    {
        CancelSlices();
        End(DmaMasterError.Aborted, 0);
    }

    private void Run()
    {
        BeginSlice();
        _running = true;
        _abort = false;
        _status = new DmaMasterStatus(DmaMasterStatus.BusyBit);
        var error = DmaMasterError.None;
        var stalled = false;
        uint access = 0;
        var isSliceDone = false;
        while (_chunksDone < _activeLength && !isSliceDone)
        {
            if (_filled == 0) // else the chunk was begun before a stall
                _chunkSize = (int)Math.Min((ulong)Math.Min(ChunkSize, SliceLeft), _activeLength - _chunksDone);
            var size = _chunkSize;
            access = 0;
            (error, stalled) = FillChunk(size, ref access);
            if (error != DmaMasterError.None || stalled || _abort)
                break;
            if (_activeCommand == DmaMasterCommand.Read)
                _sum.Add(_chunk.AsSpan(0, size));
            if (_activeCommand is DmaMasterCommand.Fill or DmaMasterCommand.Copy)
                (error, stalled) = DrainChunk(size, ref access);
            if (error != DmaMasterError.None || stalled || _abort)
                break;
            _chunksDone += (uint)size;
            _filled = _drained = 0;
            isSliceDone = _chunksDone < _activeLength && EndsSlice(size);
        }

        _running = false;
        if (!Answers || !_status.IsBusy)
            return; // reset or switched off below us: there is nobody to tell
        var moved = _activeCommand is DmaMasterCommand.Fill or DmaMasterCommand.Copy ? _drained : _filled;
        _bytesDone = _chunksDone + (uint)moved;
        _checksum = _sum.Value;
        if (isSliceDone)
            return; // busy: it goes on after the pause
        if (_abort)
        {
            End(DmaMasterError.Aborted, access);
        }
        else if (stalled)
        {
            _status = new DmaMasterStatus(DmaMasterStatus.StalledBit | access);
            Raise(DmaMasterInterrupts.Stalled);
        }
        else
        {
            End(error, access);
        }
    }

    private (DmaMasterError Error, bool Stalled) FillChunk(int size, ref uint access)
    {
        if (_activeCommand == DmaMasterCommand.Fill)
        {
            if (_filled == 0)
                DmaMasterPattern.Fill(_chunk.AsSpan(0, size), _activeSeed, _activePosition + _chunksDone);
            _filled = size;
            return default;
        }

        while (_filled < size)
        {
            var outcome = NextRun(ref _from, ref access);
            if (outcome != (DmaMasterError.None, false) || _abort)
                return outcome;
            var part = _chunk.AsSpan(_filled, (int)Math.Min((ulong)(size - _filled), _from.Left));
            var start = _from.Address;
            var status = _ports[_from.Port].Read(start, part, out var count);
            _from.Advance(count);
            if (_activeCommand == DmaMasterCommand.Verify && !IsPattern(part[..count], start))
                return (DmaMasterError.Mismatch, false);
            _filled += count;
            if (_abort)
                return default;
            if (status != DmaStatus.Ok)
                return Failed(status, _from.Address);
        }

        return default;
    }

    private (DmaMasterError Error, bool Stalled) DrainChunk(int size, ref uint access)
    {
        while (_drained < size)
        {
            access = DmaMasterStatus.WriteBit;
            var outcome = NextRun(ref _to, ref access);
            if (outcome != (DmaMasterError.None, false) || _abort)
                return outcome;
            var part = _chunk.AsSpan(_drained, (int)Math.Min((ulong)(size - _drained), _to.Left));
            var status = _ports[_to.Port].Write(_to.Address, part, out var count);
            _to.Advance(count);
            _drained += count;
            if (_abort)
                return default;
            if (status != DmaStatus.Ok)
                return Failed(status, _to.Address);
        }

        return default;
    }

    private (DmaMasterError Error, bool Stalled) NextRun(ref DmaMasterCursor cursor, ref uint access)
    {
        Span<byte> bytes = stackalloc byte[DmaMasterDescriptor.Size];
        while (cursor.Left == 0)
        {
            if (cursor.Descriptors == 0)
            {
                _faultAddress = cursor.List.Value;
                access = DmaMasterStatus.ListBit;
                return (DmaMasterError.ShortList, false);
            }

            var status = _ports[cursor.Port].Read(cursor.List, bytes, out var count);
            if (_abort)
                return default;
            if (status != DmaStatus.Ok)
            {
                access = DmaMasterStatus.ListBit;
                return Failed(status, cursor.List + (uint)count);
            }

            cursor.Take(DmaMasterDescriptor.Read(bytes));
        }

        return default;
    }

    private bool IsPattern(ReadOnlySpan<byte> read, Iova start)
    {
        var expected = _expected.AsSpan(0, read.Length);
        DmaMasterPattern.Fill(expected, _activeSeed, _activePosition + _chunksDone + (uint)_filled);
        if (read.SequenceEqual(expected))
            return true;
        var at = read.CommonPrefixLength(expected);
        _filled += at;
        _faultAddress = start.Value + (uint)at;
        _difference = expected[at] | ((uint)read[at] << 8);
        return false;
    }

    private (DmaMasterError Error, bool Stalled) Failed(DmaStatus status, Iova address)
    {
        _faultAddress = address.Value;
        return status switch
        {
            DmaStatus.Stalled => (DmaMasterError.None, true),
            DmaStatus.Refused => (DmaMasterError.Refused, false),
            _ => (DmaMasterError.BusError, false),
        };
    }

    private void End(DmaMasterError error, uint access)
    {
        _status = DmaMasterStatus.Done(error, error == DmaMasterError.None ? 0 : access);
        Raise(error == DmaMasterError.None ? DmaMasterInterrupts.Done : DmaMasterInterrupts.Error);
    }
}
