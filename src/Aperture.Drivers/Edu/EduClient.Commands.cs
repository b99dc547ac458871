using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Devices;

namespace Aperture.Drivers.Edu;

/// <summary>What the device can do.</summary>
public sealed partial class EduClient
{
    /// <summary>Computes a factorial.</summary>
    /// <param name="number">Any; the result is its low 32 bits.</param>
    /// <param name="wait">How to wait.</param>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: it did not end, or no interrupt came;
    /// <see cref="Status.Busy"/>: another computation does not end; <see cref="Status.NotSupported"/>: there is no interrupt to wait
    /// for.</exception>
    public uint Factorial(uint number, EduWait wait = EduWait.Interrupt)
    {
        var status = Begin(IsComputed, wait);
        if (status != Status.Ok)
            throw Failure($"cannot begin with the factorial of {number}", status);
        _registers.Write32(EduRegisters.Status, wait == EduWait.Interrupt ? EduStatus.InterruptOnFactorial : 0);
        _registers.Write32(EduRegisters.Factorial, number);
        status = WaitIdle(IsComputed, wait);
        return status == Status.Ok ? _registers.Read32(EduRegisters.Factorial)
            : throw Failure($"did not come to tell the factorial of {number}", status);
    }

    /// <summary>Lets the device raise its interrupt, and waits for it.</summary>
    /// <param name="bits">The bits of the interrupt status to set; at least one.</param>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: it did not come; <see cref="Status.InvalidArgument"/>: no bits;
    /// <see cref="Status.NotSupported"/>: there is no interrupt.</exception>
    public void RaiseInterrupt(uint bits)
    {
        if (bits == 0)
            throw new ApertureException(Status.InvalidArgument, "no bits, no interrupt");
        var status = Begin(static _ => true, EduWait.Interrupt);
        if (status != Status.Ok)
            throw Failure("cannot tell of interrupts", status);
        _registers.Write32(EduRegisters.InterruptRaise, bits);
        if (!_time.WaitUntil((Client: this, Bits: bits), static it => (Volatile.Read(ref it.Client._seen) & it.Bits) == it.Bits, Interval,
            Limit))
            throw Failure($"raised no interrupt for 0x{bits:x}", Status.TimedOut);
    }

    /// <summary>Takes bytes from memory into the device's buffer.</summary>
    /// <param name="source">Device address of the first byte in memory.</param>
    /// <param name="offset">Where they go in the buffer.</param>
    /// <param name="length">Bytes, at least 1; with the offset at most <see cref="BufferSize"/>.</param>
    /// <param name="wait">How to wait.</param>
    /// <exception cref="ApertureException">As the status of <see cref="TryLoad"/>.</exception>
    public void Load(Iova source, int offset, int length, EduWait wait = EduWait.Interrupt)
    {
        var status = TryLoad(source, offset, length, wait);
        if (status != Status.Ok)
            throw Failure($"could not take {length} bytes at {source} to offset {offset} of its buffer", status);
    }

    /// <summary>Takes bytes from memory into the device's buffer; failure is a result.</summary>
    /// <inheritdoc cref="Load"/>
    /// <returns><see cref="Status.InvalidArgument"/>: not inside the buffer; <see cref="Status.OutOfRange"/>: the device has not that many
    /// address bits; <see cref="Status.TimedOut"/>: the transfer did not end, or no interrupt came; <see cref="Status.Busy"/>: another one
    /// does not end;
    /// <see cref="Status.NotSupported"/>: there is no interrupt to wait for.</returns>
    public Status TryLoad(Iova source, int offset, int length, EduWait wait = EduWait.Interrupt) =>
        Transfer(source, offset, length, EduDmaCommand.None, wait);

    /// <summary>Brings bytes from the device's buffer into memory.</summary>
    /// <param name="offset">Where they are in the buffer.</param>
    /// <param name="destination">Device address of the first byte in memory.</param>
    /// <param name="length">Bytes, at least 1; with the offset at most <see cref="BufferSize"/>.</param>
    /// <param name="wait">How to wait.</param>
    /// <exception cref="ApertureException">As the status of <see cref="TryLoad"/>.</exception>
    public void Store(int offset, Iova destination, int length, EduWait wait = EduWait.Interrupt)
    {
        var status = TryStore(offset, destination, length, wait);
        if (status != Status.Ok)
            throw Failure($"could not bring {length} bytes from offset {offset} of its buffer to {destination}", status);
    }

    /// <summary>Brings bytes from the device's buffer into memory; failure is a result.</summary>
    /// <inheritdoc cref="Store"/>
    /// <returns>As for <see cref="TryLoad"/>.</returns>
    public Status TryStore(int offset, Iova destination, int length, EduWait wait = EduWait.Interrupt) =>
        Transfer(destination, offset, length, EduDmaCommand.ToMemory, wait);

    private static bool IsComputed(EduClient client) => (client._registers.Read32(EduRegisters.Status) & EduStatus.Computing) == 0;

    private static bool IsTransferred(EduClient client) =>
        (client._registers.Read32(EduRegisters.DmaCommand) & (uint)EduDmaCommand.Start) == 0;

    private Status Transfer(Iova memory, int offset, int length, EduDmaCommand direction, EduWait wait)
    {
        if (offset < 0 || length < 1 || length > BufferSize - offset)
            return Status.InvalidArgument;
        if (memory > _device.Dma.Mask || (ulong)(length - 1) > _device.Dma.Mask.Value - memory.Value)
            return Status.OutOfRange;
        var status = Begin(IsTransferred, wait);
        if (status != Status.Ok)
            return status;
        var buffer = EduRegisters.Buffer + (ulong)offset;
        var toMemory = direction == EduDmaCommand.ToMemory;
        _registers.Write64(EduRegisters.DmaSource, toMemory ? buffer : memory.Value);
        _registers.Write64(EduRegisters.DmaDestination, toMemory ? memory.Value : buffer);
        _registers.Write64(EduRegisters.DmaCount, (ulong)length);
        _registers.Write32(EduRegisters.DmaCommand,
            (uint)(direction | EduDmaCommand.Start | (wait == EduWait.Interrupt ? EduDmaCommand.InterruptOnEnd : 0)));
        return WaitIdle(IsTransferred, wait);
    }

    private ApertureException Failure(string what, Status status) => new(status, $"{_device.Name} {what}: {status}");
}
