using System.Buffers.Binary;
using Aperture.Core.Threading;
using Aperture.Datasheets.AtsEndpoint;

namespace Aperture.Hardware.Ats;

/// <content>Registers, the buffer, and the interrupt.</content>
public sealed partial class AtsEngine
{
    private uint _interruptStatus;
    private long _hits;
    private long _misses;
    private long _pageRequests;
    private ulong _answers;
    private ulong _unexpected;

    /// <summary>The bytes that jobs move, for whoever looks at them past the registers.</summary>
    public Span<byte> Buffer => _buffer;

    /// <inheritdoc/>
    /// <remarks>Aligned accesses of 32 and 64 bits. What is no register reads zero.</remarks>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsAccess(offset, width))
            return false;
        lock (_lock)
        {
            if (offset >= AtsEndpointRegisters.Buffer)
            {
                var bytes = _buffer.AsSpan((int)(offset - AtsEndpointRegisters.Buffer), width);
                value = width == sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
                    : BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                return true;
            }

            value = Read64(offset & ~7u) >> (int)(8 * (offset & 4));
        }

        if (width == sizeof(uint))
            value = (uint)value;
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>As for reads. Those of a channel do nothing while it has a job.</remarks>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        if (offset >= AtsEndpointRegisters.Buffer)
        {
            var bytes = _buffer.AsSpan((int)(offset - AtsEndpointRegisters.Buffer), width);
            lock (_lock)
            {
                if (width == sizeof(uint))
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)value);
                else
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            }

            return true;
        }

        Write32(offset, (uint)value);
        if (width == sizeof(ulong))
            Write32(offset + sizeof(uint), (uint)(value >> 32));
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>Jobs are over, and answers to what they asked for belong to nothing.</remarks>
    protected override void Reset()
    {
        lock (_lock)
        {
            foreach (var channel in _channels)
            {
                (channel.State, channel.Result) = (AtsChannelState.Idle, AtsEndpointResult.None);
                (channel.Verdict, channel.Group) = (null, null);
                channel.Job++;
                (channel.Address, channel.Length, channel.Process, channel.Offset, channel.Moved) = (0, 0, 0, 0, 0);
            }

            Array.Clear(_groups);
            Array.Clear(_buffer);
            (_nextGroup, _outstanding, _interruptStatus) = (0, 0, 0);
            (_hits, _misses, _pageRequests, _answers, _unexpected) = (0, 0, 0, 0, 0);
        }

        UpdateInterrupt();
    }

    private bool IsAccess(uint offset, int width) => width is sizeof(uint) or sizeof(ulong) && offset % (uint)width == 0
        && offset <= Size - (uint)width && Answers;

    /// <summary>Two registers of 32 bits, or one of 64.</summary>
    private ulong Read64(uint offset) => offset switch
    {
        AtsEndpointRegisters.Hits => (ulong)Interlocked.Read(ref _hits),
        AtsEndpointRegisters.Misses => (ulong)Interlocked.Read(ref _misses),
        AtsEndpointRegisters.Invalidations => (ulong)_function.Translations.Invalidations,
        AtsEndpointRegisters.PageRequests => (ulong)Interlocked.Read(ref _pageRequests),
        AtsEndpointRegisters.Answers => _answers,
        AtsEndpointRegisters.UnexpectedAnswers => _unexpected,
        _ => Read32(offset) | (ulong)Read32(offset + sizeof(uint)) << 32,
    };

    private uint Read32(uint offset)
    {
        if (ChannelAt(offset) is { } channel)
        {
            return (offset % AtsEndpointRegisters.ChannelStride) switch
            {
                AtsEndpointRegisters.Address => (uint)channel.Address,
                AtsEndpointRegisters.Address + sizeof(uint) => (uint)(channel.Address >> 32),
                AtsEndpointRegisters.Length => channel.Length,
                AtsEndpointRegisters.Process => channel.Process,
                AtsEndpointRegisters.BufferOffset => channel.Offset,
                AtsEndpointRegisters.Command => (uint)channel.Command,
                AtsEndpointRegisters.Result => (uint)channel.Result,
                AtsEndpointRegisters.Moved => channel.Moved,
                _ => 0,
            };
        }

        return offset switch
        {
            AtsEndpointRegisters.Identification => AtsEndpointRegisters.IdentificationValue,
            AtsEndpointRegisters.Channels => (uint)_channels.Length,
            AtsEndpointRegisters.InterruptStatus => _interruptStatus,
            _ => 0,
        };
    }

    private void Write32(uint offset, uint value)
    {
        AtsChannel? started = null;
        lock (_lock)
        {
            if (offset == AtsEndpointRegisters.InterruptStatus)
                _interruptStatus &= ~value;
            else if (ChannelAt(offset) is { State: AtsChannelState.Idle } channel
                && Write(channel, offset % AtsEndpointRegisters.ChannelStride, value))
                started = channel;
        }

        if (started is not null)
            Run(started);
        else
            UpdateInterrupt();
    }

    /// <summary>Writes a register of a channel without a job.</summary>
    /// <returns>Whether it has one now.</returns>
    private bool Write(AtsChannel channel, uint register, uint value)
    {
        switch (register)
        {
            case AtsEndpointRegisters.Address:
                channel.Address = (channel.Address & ~(ulong)uint.MaxValue) | value;
                return false;
            case AtsEndpointRegisters.Address + sizeof(uint):
                channel.Address = (uint)channel.Address | (ulong)value << 32;
                return false;
            case AtsEndpointRegisters.Length:
                channel.Length = value;
                return false;
            case AtsEndpointRegisters.Process:
                channel.Process = value;
                return false;
            case AtsEndpointRegisters.BufferOffset:
                channel.Offset = value;
                return false;
            case AtsEndpointRegisters.Command:
                return TryBegin(channel, (AtsEndpointCommand)value);
            default:
                return false;
        }
    }

    private bool TryBegin(AtsChannel channel, AtsEndpointCommand command)
    {
        (channel.Command, channel.Moved, channel.Tries, channel.Verdict) = (command, 0, 0, null);
        channel.Job++;
        var isTransfer = command is AtsEndpointCommand.Read or AtsEndpointCommand.Write;
        var isPossible = command switch
        {
            AtsEndpointCommand.Stop => channel.Pasid is not null,
            AtsEndpointCommand.Prefetch => channel.Length > 0,
            _ => isTransfer && channel.Length > 0 && channel.Length <= _buffer.Length && channel.Offset <= _buffer.Length - channel.Length,
        };
        if (!isPossible || (command != AtsEndpointCommand.Stop && channel.Length - 1 > ulong.MaxValue - channel.Address))
        {
            End(channel, AtsEndpointResult.Invalid);
            return false;
        }

        (channel.State, channel.Result) = (AtsChannelState.Ready, AtsEndpointResult.Busy);
        return true;
    }

    private AtsChannel? ChannelAt(uint offset)
    {
        var index = (offset - AtsEndpointRegisters.FirstChannel) / AtsEndpointRegisters.ChannelStride;
        return offset >= AtsEndpointRegisters.FirstChannel && index < (uint)_channels.Length ? _channels[index] : null;
    }

    /// <summary>Lets the line follow. Who listens to it hears of it when no lock is held.</summary>
    private void UpdateInterrupt()
    {
        using (EventGate.Close(ThreadRecord.Current))
        {
            lock (_lock)
                Interrupt.Set(Answers && _interruptStatus != 0);
        }
    }
}
