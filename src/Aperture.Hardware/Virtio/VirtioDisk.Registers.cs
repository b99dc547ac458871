using System.Buffers.Binary;
using Aperture.Datasheets.Virtio;

namespace Aperture.Hardware.Virtio;

/// <content>Registers.</content>
public sealed partial class VirtioDisk
{
    private const uint UsedBuffer = 1; // of InterruptStatus

    private uint _deviceFeaturesSelect;
    private uint _driverFeaturesSelect;
    private VirtioFeatures _taken; // features that the driver takes
    private uint _queueSelect;
    private uint _queueSize = MaxQueueSize;
    private bool _isReady;
    private ulong _descriptors;
    private ulong _available;
    private ulong _used;
    private uint _interruptStatus;
    private VirtioStatus _status;

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers)
            return false;
        lock (_lock)
        {
            if (offset >= VirtioMmioRegister.Configuration)
            {
                value = ReadConfiguration(offset - VirtioMmioRegister.Configuration, width);
                return true;
            }

            if (width != sizeof(uint))
                return false;
            var isQueue = _queueSelect == 0;
            value = offset switch
            {
                VirtioMmioRegister.Magic => VirtioMmioRegister.MagicValue,
                VirtioMmioRegister.Version => VirtioMmioRegister.VersionValue,
                VirtioMmioRegister.DeviceId => DeviceId,
                VirtioMmioRegister.DeviceFeatures when _deviceFeaturesSelect < 2 =>
                    (uint)((ulong)Offered >> (32 * (int)_deviceFeaturesSelect)),
                VirtioMmioRegister.QueueSizeMax when isQueue => MaxQueueSize,
                VirtioMmioRegister.QueueReady when isQueue => _isReady ? 1u : 0,
                VirtioMmioRegister.InterruptStatus => _interruptStatus,
                VirtioMmioRegister.Status => (uint)_status,
                _ => 0,
            };
            return true;
        }
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || width != sizeof(uint) || offset >= VirtioMmioRegister.Configuration)
            return false;
        lock (_lock)
            Write(offset, (uint)value);
        DriveLine();
        return true;
    }

    private void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case VirtioMmioRegister.DeviceFeaturesSelect:
                _deviceFeaturesSelect = value;
                break;
            case VirtioMmioRegister.DriverFeaturesSelect:
                _driverFeaturesSelect = value;
                break;
            case VirtioMmioRegister.DriverFeatures when _driverFeaturesSelect < 2:
                var taken = (ulong)_taken;
                SetHalf(ref taken, _driverFeaturesSelect == 1, value);
                _taken = (VirtioFeatures)taken;
                break;
            case VirtioMmioRegister.QueueSelect:
                _queueSelect = value;
                break;
            case VirtioMmioRegister.InterruptAcknowledge:
                _interruptStatus &= ~value;
                break;
            case VirtioMmioRegister.Status:
                SetStatus((VirtioStatus)value);
                break;
            case VirtioMmioRegister.QueueNotify when value == 0:
                Work();
                break;
            default:
                if (_queueSelect == 0)
                    WriteQueue(offset, value);
                break;
        }
    }

    private void WriteQueue(uint offset, uint value)
    {
        switch (offset)
        {
            case VirtioMmioRegister.QueueSize when value is > 0 and <= MaxQueueSize && (value & (value - 1)) == 0:
                _queueSize = value;
                break;
            case VirtioMmioRegister.QueueReady:
                _isReady = value == 1;
                break;
            case VirtioMmioRegister.QueueDescriptors or VirtioMmioRegister.QueueDescriptors + 4:
                SetHalf(ref _descriptors, (offset & 4) != 0, value);
                break;
            case VirtioMmioRegister.QueueDriver or VirtioMmioRegister.QueueDriver + 4:
                SetHalf(ref _available, (offset & 4) != 0, value);
                break;
            case VirtioMmioRegister.QueueDevice or VirtioMmioRegister.QueueDevice + 4:
                SetHalf(ref _used, (offset & 4) != 0, value);
                break;
        }
    }

    private void SetStatus(VirtioStatus value)
    {
        if (value == VirtioStatus.None)
        {
            ResetState();
            return;
        }

        // Features that were not offered cannot be agreed on, and without version 1 none can.
        var isAgreed = (_taken & ~Offered) == 0 && (_taken & VirtioFeatures.Version1) != 0;
        _status = (isAgreed ? value : value & ~VirtioStatus.FeaturesOk) | (_status & VirtioStatus.NeedsReset);
    }

    private ulong ReadConfiguration(uint offset, int width)
    {
        Span<byte> bytes = stackalloc byte[32];
        bytes.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)(Content.Length / VirtioBlockRequest.SectorBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], SegmentMax);
        if (offset >= 16)
            return 0;
        var value = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(int)offset..]);
        return width == sizeof(ulong) ? value : value & ((1UL << (8 * width)) - 1);
    }

    private void ResetState()
    {
        _deviceFeaturesSelect = _driverFeaturesSelect = _queueSelect = _interruptStatus = 0;
        _taken = VirtioFeatures.None;
        _queueSize = MaxQueueSize;
        _isReady = false;
        _descriptors = _available = _used = 0;
        _status = VirtioStatus.None;
        _seen = 0;
        IsStalled = false;
    }

    private static void SetHalf(ref ulong register, bool isUpper, uint value) =>
        register = isUpper ? (register & uint.MaxValue) | ((ulong)value << 32) : (register & ~(ulong)uint.MaxValue) | value;
}
