using System.Buffers.Binary;
using System.Collections.Concurrent;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Ats;

namespace Aperture.Hardware.SmmuV3;

/// <content>Devices with translations of their own: whom invalidations and answers go to, and what they ask for.</content>
public sealed partial class SmmuV3 : IAtsAgent
{
    private readonly ConcurrentDictionary<uint, IAtsDevice> _devices = new(); // by stream
    private bool _hasMuteDevice; // an ATC_INV was not answered, and no SYNC has said so

    /// <summary>Hears of ATC_INV and PRI_RESP before the device does. Called under the unit's lock.</summary>
    public Action<SmmuV3Command>? ToDevices { get; set; }

    /// <inheritdoc/>
    public void Connect(StreamId stream, IAtsDevice device) => _devices[stream.Value] = device;

    /// <inheritdoc/>
    /// <remarks>A request is recorded whatever the entry of its stream says. While the queue is full, or a loss was not acknowledged, it is
    /// lost (IHI 0070, 8.1).</remarks>
    public PageRequestFate TryRequestPage(in AtsPageRequest request) => TryRequestPage(SmmuV3PageRequest.Of(
        request.Requester.Stream.Value,
        request.Requester.Pasid?.Value,
        request.Page.Value,
        request.Group,
        request.IsRead,
        request.IsWritten,
        request.IsLast,
        (request.Requester.Flags & Translation.AccessFlags.Privileged) != 0,
        (request.Requester.Flags & Translation.AccessFlags.Instruction) != 0));

    /// <summary>Queues a page request of a device.</summary>
    /// <param name="request">The request; its stream is the device's.</param>
    /// <returns>What becomes of it.</returns>
    public PageRequestFate TryRequestPage(in SmmuV3PageRequest request)
    {
        using (HoldRegisters())
        {
            if (!Answers || !IsTranslating || (_control & SmmuV3Control.PageRequestQueue) == 0)
                return PageRequestFate.Refused;
            if (_pageRequests.IsFull || _pageRequests.HasOverflown)
            {
                Overflow(ref _pageRequests);
                LostPageRequests++;
                UpdateInterrupts();
                return PageRequestFate.Lost;
            }

            Span<byte> record = stackalloc byte[SmmuV3PageRequest.Bytes];
            BinaryPrimitives.WriteUInt64LittleEndian(record, request.Word0);
            BinaryPrimitives.WriteUInt64LittleEndian(record[8..], request.Word1);
            return TryPut(ref _pageRequests, record, SmmuV3GlobalErrors.PageRequestQueueAbort) ? PageRequestFate.Queued
                : PageRequestFate.Refused;
        }
    }

    /// <summary>Page requests that were lost for want of room since the unit was made.</summary>
    public ulong LostPageRequests { get; private set; }

    /// <inheritdoc/>
    private protected override void WaitForDevices()
    {
        foreach (var (_, device) in _devices)
            device.EndAccesses();
    }

    /// <summary>ATC_INV. A stream without a device has nothing to drop.</summary>
    private void InvalidateDevice(in SmmuV3Command command)
    {
        ToDevices?.Invoke(command);
        if (!_devices.TryGetValue(command.Stream, out var device))
            return;
        var isAll = command.AtcSize >= SmmuV3Command.AtcAll;
        var size = isAll ? 0 : 1UL << (command.AtcSize + 12);
        var first = isAll ? 0 : command.Address & ~(size - 1);
        var pasid = command.Substream is { } substream ? new Pasid(substream) : default(Pasid?);
        var isAnswered = device.TryInvalidate(
            new AtsInvalidation(pasid, command.IsGlobal, new Iova(first), new Iova(isAll ? ulong.MaxValue : first + (size - 1))));
        _hasMuteDevice |= !isAnswered;
        EndDeviceAccesses();
    }

    /// <summary>PRI_RESP.</summary>
    private void AnswerDevice(in SmmuV3Command command)
    {
        ToDevices?.Invoke(command);
        if (!_devices.TryGetValue(command.Stream, out var device))
            return;
        var code = command.Response switch
        {
            2 => PageAnswerCode.Success,
            1 => PageAnswerCode.Invalid,
            _ => PageAnswerCode.Failure,
        };
        device.Answer(new PageAnswer(command.Substream is { } substream ? new Pasid(substream) : null, command.PageRequestGroup, code));
    }
}
