using Aperture.Core.Threading;
using Aperture.Datasheets.Nvme;

namespace Aperture.Hardware.Nvme;

/// <content>Registers and doorbells.</content>
public sealed partial class NvmeController
{
    private const uint SequenceOfDoorbell = 0, ValueOfDoorbell = 1; // kinds of the error event

    private uint _masks;
    private NvmeConfiguration _configuration;
    private NvmeControllerStatus _status;
    private uint _adminQueues;
    private ulong _adminSubmissions;
    private ulong _adminCompletions;
    private int _readyPolls;

    /// <inheritdoc/>
    /// <remarks>Aligned accesses of 32 bits, and of 64 bits. Doorbells read zero.</remarks>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsAccess(offset, width))
            return false;
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            value = Read32(offset);
            if (width == sizeof(ulong))
                value |= (ulong)Read32(offset + sizeof(uint)) << 32;
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        using var gate = EventGate.Close(ThreadRecord.Current);
        lock (_lock)
        {
            Write32(offset, (uint)value);
            if (width == sizeof(ulong))
                Write32(offset + sizeof(uint), (uint)(value >> 32));
        }

        return true;
    }

    private bool IsAccess(uint offset, int width) => width is sizeof(uint) or sizeof(ulong) && offset % (uint)width == 0
        && offset <= Size - (uint)width && Answers;

    private uint Read32(uint offset) => offset switch
    {
        NvmeRegister.Capabilities => (uint)Options.Capabilities.Value,
        NvmeRegister.Capabilities + 4 => (uint)(Options.Capabilities.Value >> 32),
        NvmeRegister.Version => NvmeRegister.Version14,
        NvmeRegister.MaskSet or NvmeRegister.MaskClear => _masks,
        NvmeRegister.Configuration => _configuration.Value,
        NvmeRegister.Status => (uint)ReadStatus(),
        NvmeRegister.AdminQueueAttributes => _adminQueues,
        NvmeRegister.AdminSubmissionQueue => (uint)_adminSubmissions,
        NvmeRegister.AdminSubmissionQueue + 4 => (uint)(_adminSubmissions >> 32),
        NvmeRegister.AdminCompletionQueue => (uint)_adminCompletions,
        NvmeRegister.AdminCompletionQueue + 4 => (uint)(_adminCompletions >> 32),
        _ => 0,
    };

    private NvmeControllerStatus ReadStatus()
    {
        if (_readyPolls == 0)
            return _status;
        if (_readyPolls > 0)
            _readyPolls--;
        return _status & ~NvmeControllerStatus.Ready;
    }

    private void Write32(uint offset, uint value)
    {
        switch (offset)
        {
            case NvmeRegister.MaskSet:
                _masks |= value;
                UpdatePin();
                break;
            case NvmeRegister.MaskClear:
                _masks &= ~value;
                UpdatePin();
                break;
            case NvmeRegister.Configuration:
                Configure(new NvmeConfiguration(value));
                break;
            case NvmeRegister.AdminQueueAttributes when !_configuration.IsEnabled:
                _adminQueues = value & 0x0FFF_0FFF;
                break;
            case NvmeRegister.AdminSubmissionQueue when !_configuration.IsEnabled:
                _adminSubmissions = (_adminSubmissions & 0xFFFF_FFFF_0000_0000) | (value & 0xFFFF_F000);
                break;
            case NvmeRegister.AdminSubmissionQueue + 4 when !_configuration.IsEnabled:
                _adminSubmissions = (uint)_adminSubmissions | (ulong)value << 32;
                break;
            case NvmeRegister.AdminCompletionQueue when !_configuration.IsEnabled:
                _adminCompletions = (_adminCompletions & 0xFFFF_FFFF_0000_0000) | (value & 0xFFFF_F000);
                break;
            case NvmeRegister.AdminCompletionQueue + 4 when !_configuration.IsEnabled:
                _adminCompletions = (uint)_adminCompletions | (ulong)value << 32;
                break;
            case >= NvmeRegister.Doorbells:
                Ring((int)(offset - NvmeRegister.Doorbells) / sizeof(uint), value);
                break;
        }
    }

    private void Configure(NvmeConfiguration value)
    {
        var before = _configuration;
        _configuration = value;
        if (before.IsEnabled && !value.IsEnabled)
        {
            Stop();
            _status = NvmeControllerStatus.None;
            return;
        }

        if (!before.IsEnabled && value.IsEnabled)
            Start();
        if (value.Shutdown != 0 && before.Shutdown == 0)
            _status = (_status & ~NvmeControllerStatus.ShuttingDown) | NvmeControllerStatus.ShutDown;
    }

    /// <summary>A controller that cannot work as it is told says so by its fatal status.</summary>
    private void Start()
    {
        var submissions = (_adminQueues & 0xFFF) + 1;
        var completions = (_adminQueues >> 16 & 0xFFF) + 1;
        if (_configuration.CommandSet != 0 || _configuration.PageShift > Options.LargestPageShift || submissions < 2 || completions < 2)
        {
            _status = NvmeControllerStatus.Fatal;
            return;
        }

        _completions[0] = new NvmeCompletionQueue(0, _adminCompletions, completions, 0, raises: true) { Users = 1 };
        (_queues, _vectors) = (1, 1);
        _submissions[0] = new NvmeSubmissionQueue(0, _adminSubmissions, submissions, _completions[0]!);
        _status = NvmeControllerStatus.Ready;
        _readyPolls = Options.ReadyDelayPolls;
    }

    private void Ring(int doorbell, uint value)
    {
        if ((_status & (NvmeControllerStatus.Ready | NvmeControllerStatus.Fatal)) != NvmeControllerStatus.Ready)
            return;
        var queue = doorbell / 2;
        if (doorbell % 2 == 0)
        {
            if (queue >= _submissions.Length || _submissions[queue] is not { } submissions)
            {
                TellError(SequenceOfDoorbell);
                return;
            }

            if (value >= submissions.Entries)
            {
                TellError(ValueOfDoorbell);
                return;
            }

            submissions.Tail = value;
        }
        else
        {
            if (queue >= _completions.Length || _completions[queue] is not { } completions)
            {
                TellError(SequenceOfDoorbell);
                return;
            }

            var used = (completions.Tail + completions.Entries - completions.Head) % completions.Entries;
            if (value >= completions.Entries || (value + completions.Entries - completions.Head) % completions.Entries > used)
            {
                TellError(ValueOfDoorbell);
                return;
            }

            completions.Head = value;
            TellEvents();
        }

        if (IsPaused)
            UpdatePin();
        else
            Run();
    }
}
