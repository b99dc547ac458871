using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>What takes time: the factorial and the DMA engine.</summary>
public sealed partial class Edu
{
    private const int PageSize = 4096; // an access that fails loses what lies in its page

    private readonly byte[] _buffer = new byte[EduRegisters.BufferSize];

    private bool IsTransferring => (_command & EduDmaCommand.Start) != 0;

    private void StartFactorial(uint number)
    {
        if (_computing)
            return;
        _factorial = number;
        _computing = true;
        if (_factorialTimer is null)
            EndFactorial();
        else
            _factorialTimer.Change(_options.FactorialTime, Timeout.InfiniteTimeSpan);
    }

    private void EndFactorial()
    {
        if (!_computing || Holds(_factorialTimer, _options.FactorialTime))
            return;
        var number = _factorial;
        uint result = 1;
        for (uint factor = 2; factor <= number && result != 0; factor++)
            result *= factor; // 34! has 32 factors of two: from there on all is zero
        _factorial = result;
        _computing = false;
        if (_factorialIrq)
            Raise(_options.FactorialInterrupt);
    }

    private void StartTransfer(EduDmaCommand command)
    {
        _command = command & (EduDmaCommand.Start | EduDmaCommand.ToMemory | EduDmaCommand.InterruptOnEnd);
        if (!IsTransferring)
            return;
        if (_transferTimer is null)
            EndTransfer();
        else
            _transferTimer.Change(_options.TransferTime, Timeout.InfiniteTimeSpan);
    }

    private void EndTransfer()
    {
        if (!IsTransferring || Holds(_transferTimer, _options.TransferTime))
            return;
        if (!Transfer())
            return; // an access is held back for ever: only a reset helps
        _command &= ~EduDmaCommand.Start;
        if ((_command & EduDmaCommand.InterruptOnEnd) != 0)
            Raise(EduInterrupts.Dma);
    }

    /// <returns>False when an access got no answer, or the device was reset meanwhile.</returns>
    private bool Transfer()
    {
        var toMemory = (_command & EduDmaCommand.ToMemory) != 0;
        var (inside, outside) = toMemory ? (_source, _destination) : (_destination, _source);
        var offset = inside - EduRegisters.Buffer;
        if (inside < EduRegisters.Buffer || offset > EduRegisters.BufferSize || _count > EduRegisters.BufferSize - offset)
            return true; // not the buffer: nothing is moved
        var bytes = _buffer.AsSpan((int)offset, (int)_count);
        for (var done = 0; done < bytes.Length && IsTransferring;)
        {
            var at = new Iova((outside + (ulong)done) & _options.DmaMask);
            var part = bytes.Slice(done, (int)Math.Min((ulong)(bytes.Length - done), PageSize - (at.Value % PageSize)));
            LastAccess = toMemory ? _port.Write(at, part, out var moved) : _port.Read(at, part, out moved);
            if (LastAccess != DmaStatus.Ok)
                LastFailure = at + (ulong)moved;
            if (LastAccess == DmaStatus.Stalled)
                return false;
            if (LastAccess != DmaStatus.Ok && !toMemory)
                part[moved..].Clear(); // a read that fails brings zeros
            done += part.Length;
        }

        return IsTransferring;
    }

    /// <summary>Whether the device's clock stands, so that its time does not pass either.</summary>
    private bool Holds(ITimer? timer, TimeSpan time)
    {
        if (Answers)
            return false;
        timer?.Change(time, Timeout.InfiniteTimeSpan);
        return true;
    }

    private void StopTimers()
    {
        _factorialTimer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _transferTimer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
