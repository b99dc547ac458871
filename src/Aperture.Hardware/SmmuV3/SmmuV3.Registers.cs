using Aperture.Datasheets.SmmuV3;

namespace Aperture.Hardware.SmmuV3;

/// <content>The registers. Those of 64 bits take accesses of both widths.</content>
public sealed partial class SmmuV3
{
    private SmmuV3Control _control;
    private SmmuV3Interrupts _interrupts;
    private uint _control1;
    private uint _control2;
    private uint _globalBypass;
    private ulong _streamTable;
    private SmmuV3StreamTableConfig _streamConfig;
    private Queue _commands;
    private Queue _events;
    private Queue _pageRequests;
    private Message _errorMessage;
    private int _acknowledgePolls;
    private SmmuV3Control _acknowledged; // what CR0ACK says while _acknowledgePolls last

    /// <summary>Reads of SMMU_CR0ACK that still show the old value after the next change of SMMU_CR0; negative: for ever.</summary>
    public int AcknowledgeDelayPolls { get; set; }

    private bool IsTranslating => (_control & SmmuV3Control.Translates) != 0;

    /// <inheritdoc/>
    /// <remarks>Aligned accesses of 32 bits, and of 64 bits. What is no register reads zero.</remarks>
    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsAccess(offset, width))
            return false;
        value = Read(offset & ~4u) >> (int)(8 * (offset & 4));
        if (width == sizeof(uint))
            value = (uint)value;
        if ((offset & ~4u) == (SmmuV3Register.CommandQueueProducer & ~4u))
            EndAccesses(); // whoever sees that a SYNC is done finds every access ended that began before
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>As for reads. Writes to what is no register, or cannot be written now, do nothing.</remarks>
    protected override bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        if (IsWide(offset & ~4u))
        {
            var shift = 8 * (int)(offset & 4);
            var before = Read(offset & ~4u);
            Write64(offset & ~4u, width == sizeof(ulong) ? value
                : (before & ~((ulong)uint.MaxValue << shift)) | ((value & uint.MaxValue) << shift));
            return true;
        }

        Write32(offset, (uint)value);
        if (width == sizeof(ulong))
            Write32(offset + sizeof(uint), (uint)(value >> 32));
        return true;
    }

    private bool IsAccess(uint offset, int width) => width is sizeof(uint) or sizeof(ulong) && offset % (uint)width == 0
        && offset <= Size - (uint)width && Answers;

    private static bool IsWide(uint offset) => offset is SmmuV3Register.StreamTableBase or SmmuV3Register.CommandQueueBase
        or SmmuV3Register.EventQueueBase or SmmuV3Register.PageRequestQueueBase or SmmuV3Register.GlobalErrorMessage
        or SmmuV3Register.EventQueueMessage or SmmuV3Register.PageRequestQueueMessage;

    /// <summary>Two registers of 32 bits, or one of 64.</summary>
    private ulong Read(uint offset) => offset switch
    {
        SmmuV3Register.StreamTableBase => _streamTable,
        SmmuV3Register.CommandQueueBase => _commands.Base.Value,
        SmmuV3Register.EventQueueBase => _events.Base.Value,
        SmmuV3Register.PageRequestQueueBase => _pageRequests.Base.Value,
        SmmuV3Register.GlobalErrorMessage => _errorMessage.Address,
        SmmuV3Register.EventQueueMessage => _events.Message.Address,
        SmmuV3Register.PageRequestQueueMessage => _pageRequests.Message.Address,
        _ => Read32(offset) | (ulong)Read32(offset + sizeof(uint)) << 32,
    };

    private uint Read32(uint offset) => offset switch
    {
        SmmuV3Register.Idr0 => Options.Features.Value,
        SmmuV3Register.Idr1 => Options.Sizes.Value,
        SmmuV3Register.Idr3 => Options.HasRanges ? SmmuV3Register.RangeInvalidation : 0,
        SmmuV3Register.Idr5 => Options.AddressSizes.Value,
        SmmuV3Register.Iidr => Options.Iidr,
        SmmuV3Register.Aidr => (uint)Options.MinorVersion,
        SmmuV3Register.Cr0 => (uint)_control,
        SmmuV3Register.Cr0Ack => (uint)ReadAcknowledged(),
        SmmuV3Register.Cr1 => _control1,
        SmmuV3Register.Cr2 => _control2,
        SmmuV3Register.GlobalBypass => _globalBypass,
        SmmuV3Register.InterruptControl or SmmuV3Register.InterruptControlAck => (uint)_interrupts,
        SmmuV3Register.GlobalError => (uint)_globalErrors,
        SmmuV3Register.GlobalErrorAck => (uint)_seenErrors,
        SmmuV3Register.GlobalErrorMessage + SmmuV3Register.MessageData => _errorMessage.Data,
        SmmuV3Register.GlobalErrorMessage + SmmuV3Register.MessageAttributes => _errorMessage.Attributes,
        SmmuV3Register.StreamTableConfig => _streamConfig.Value,
        SmmuV3Register.CommandQueueProducer => _commands.Producer,
        SmmuV3Register.CommandQueueConsumer => _commands.Consumer,
        SmmuV3Register.EventQueueMessage + SmmuV3Register.MessageData => _events.Message.Data,
        SmmuV3Register.EventQueueMessage + SmmuV3Register.MessageAttributes => _events.Message.Attributes,
        SmmuV3Register.PageRequestQueueMessage + SmmuV3Register.MessageData => _pageRequests.Message.Data,
        SmmuV3Register.PageRequestQueueMessage + SmmuV3Register.MessageAttributes => _pageRequests.Message.Attributes,
        SmmuV3Register.EventQueueProducer => _events.Producer,
        SmmuV3Register.EventQueueConsumer => _events.Consumer,
        SmmuV3Register.PageRequestQueueProducer => _pageRequests.Producer,
        SmmuV3Register.PageRequestQueueConsumer => _pageRequests.Consumer,
        _ => 0,
    };

    private SmmuV3Control ReadAcknowledged()
    {
        if (_acknowledgePolls == 0)
            return _control;
        if (_acknowledgePolls > 0)
            _acknowledgePolls--;
        return _acknowledged;
    }

    /// <summary>Bases change only while what they are of is off; else the write does nothing (documented choice: the architecture leaves
    /// it open).</summary>
    private void Write64(uint offset, ulong value)
    {
        switch (offset)
        {
            case SmmuV3Register.StreamTableBase when !IsTranslating:
                _streamTable = value & ~0x3FUL & ~0xFFF0_0000_0000_0000 | value & SmmuV3QueueBase.AllocateHint;
                break;
            case SmmuV3Register.CommandQueueBase when (_control & SmmuV3Control.CommandQueue) == 0:
                _commands.SetBase(value, Options.CommandsLog2);
                break;
            case SmmuV3Register.EventQueueBase when (_control & SmmuV3Control.EventQueue) == 0:
                _events.SetBase(value, Options.EventsLog2);
                break;
            case SmmuV3Register.PageRequestQueueBase when (_control & SmmuV3Control.PageRequestQueue) == 0 && Options.HasPageRequests:
                _pageRequests.SetBase(value, Options.PageRequestsLog2);
                break;
            case SmmuV3Register.GlobalErrorMessage when Options.HasMessages:
                _errorMessage.Address = value & Message.AddressMask;
                break;
            case SmmuV3Register.EventQueueMessage when Options.HasMessages:
                _events.Message.Address = value & Message.AddressMask;
                break;
            case SmmuV3Register.PageRequestQueueMessage when Options.HasMessages && Options.HasPageRequests:
                _pageRequests.Message.Address = value & Message.AddressMask;
                break;
        }
    }

    private void Write32(uint offset, uint value)
    {
        switch (offset)
        {
            case SmmuV3Register.Cr0:
                WriteControl((SmmuV3Control)value);
                break;
            case SmmuV3Register.Cr1:
                _control1 = value & 0x3F;
                break;
            case SmmuV3Register.Cr2:
                _control2 = value & (SmmuV3Register.RecordInvalidStreams | SmmuV3Register.PrivateTlbMaintenance
                    | (Options.HasHypervisor ? SmmuV3Register.HypervisorHost : 0));
                break;
            case SmmuV3Register.GlobalBypass when (value & SmmuV3Register.GlobalBypassUpdate) != 0:
                _globalBypass = value & ~SmmuV3Register.GlobalBypassUpdate;
                EndAccesses();
                break;
            case SmmuV3Register.InterruptControl:
                _interrupts = (SmmuV3Interrupts)value & SmmuV3Interrupts.All;
                UpdateInterrupts();
                break;
            case SmmuV3Register.GlobalErrorAck:
                WriteSeenErrors((SmmuV3GlobalErrors)value);
                break;
            case SmmuV3Register.GlobalErrorMessage + SmmuV3Register.MessageData:
                _errorMessage.Data = value;
                break;
            case SmmuV3Register.GlobalErrorMessage + SmmuV3Register.MessageAttributes:
                _errorMessage.Attributes = value & 0x3F;
                break;
            case SmmuV3Register.StreamTableConfig when !IsTranslating:
                _streamConfig = new SmmuV3StreamTableConfig(value & 0x3_07FF);
                break;
            case SmmuV3Register.CommandQueueProducer:
                _commands.Producer = _commands.Ring.PlaceOf(value);
                RunCommands();
                break;
            case SmmuV3Register.CommandQueueConsumer when (_control & SmmuV3Control.CommandQueue) == 0:
                _commands.Consumer = _commands.Ring.PlaceOf(value);
                break;
            case SmmuV3Register.EventQueueMessage + SmmuV3Register.MessageData:
                _events.Message.Data = value;
                break;
            case SmmuV3Register.EventQueueMessage + SmmuV3Register.MessageAttributes:
                _events.Message.Attributes = value & 0x3F;
                break;
            case SmmuV3Register.PageRequestQueueMessage + SmmuV3Register.MessageData:
                _pageRequests.Message.Data = value;
                break;
            case SmmuV3Register.PageRequestQueueMessage + SmmuV3Register.MessageAttributes:
                _pageRequests.Message.Attributes = value & 0x3F;
                break;
            case SmmuV3Register.EventQueueProducer when (_control & SmmuV3Control.EventQueue) == 0:
                _events.SetProducer(value);
                break;
            case SmmuV3Register.EventQueueConsumer:
                _events.SetConsumer(value);
                WriteOwedEvents();
                UpdateInterrupts();
                break;
            case SmmuV3Register.PageRequestQueueProducer when (_control & SmmuV3Control.PageRequestQueue) == 0:
                _pageRequests.SetProducer(value);
                break;
            case SmmuV3Register.PageRequestQueueConsumer:
                _pageRequests.SetConsumer(value);
                UpdateInterrupts();
                break;
        }
    }

    private void WriteControl(SmmuV3Control value)
    {
        var before = _control;
        var possible = SmmuV3Control.All & ~(Options.HasPageRequests ? 0 : SmmuV3Control.PageRequestQueue)
            & ~(Options.HasAts ? 0 : SmmuV3Control.ChecksTranslated);
        _control = value & possible;
        if (_control == before)
            return;
        (_acknowledged, _acknowledgePolls) = (before, AcknowledgeDelayPolls);
        OpenRoutes(IsTranslating);
        EndAccesses();
        if ((before & ~_control & SmmuV3Control.Translates) != 0)
            ForgetStalls();
        WriteOwedEvents();
        RunCommands();
        UpdateInterrupts();
    }

    /// <summary>A queue in memory.</summary>
    private struct Queue
    {
        public SmmuV3QueueBase Base;
        public uint Producer;
        public uint Consumer;
        public Message Message;
        private int _entriesLog2;

        public readonly SmmuV3Ring Ring => new(_entriesLog2);

        public readonly bool IsEmpty => Ring.IsEmpty(Producer, Consumer);

        public readonly bool IsFull => Ring.IsFull(Producer, Consumer);

        /// <summary>Whether entries were lost and software has not seen it.</summary>
        public readonly bool HasOverflown => ((Producer ^ Consumer) & SmmuV3Ring.OverflowBit) != 0;

        public void SetBase(ulong value, int mostLog2)
        {
            Base = new SmmuV3QueueBase(value & ~0xFFF0_0000_0000_0000 | value & SmmuV3QueueBase.AllocateHint);
            _entriesLog2 = Math.Min(Base.EntriesLog2, mostLog2);
        }

        public void SetProducer(uint value) => Producer = Ring.PlaceOf(value) | (value & SmmuV3Ring.OverflowBit);

        public void SetConsumer(uint value) => Consumer = Ring.PlaceOf(value) | (value & SmmuV3Ring.OverflowBit);

        /// <summary>Where the entry of a place lies.</summary>
        public readonly ulong AddressOf(uint place, int bytes)
        {
            var size = (ulong)bytes << _entriesLog2;
            return (Base.Address & ~(size - 1)) + (Ring.IndexOf(place) * (ulong)bytes);
        }
    }

    /// <summary>Where an interrupt goes as a message.</summary>
    private struct Message
    {
        public const ulong AddressMask = 0x000F_FFFF_FFFF_FFFC;
        public ulong Address; // 0 for the wire
        public uint Data;
        public uint Attributes;
    }
}
