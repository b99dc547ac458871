using System.Numerics;
using System.Runtime.InteropServices;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser;

/// <content>Interrupts.</content>
internal sealed partial class FunctionSession
{
    private Errno GetInterruptInfo(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryTake(body, out InterruptInfo asked)
            || asked.ArgumentSize < InterruptInfo.Bytes || asked.Index >= InterruptIndex.Count)
        {
            return Invalid("no question about an interrupt that there is");
        }

        reply.Put(new InterruptInfo
        {
            ArgumentSize = InterruptInfo.Bytes,
            Flags = asked.Index == InterruptIndex.Line
                ? InterruptInfo.ByEvent | InterruptInfo.CanMask | InterruptInfo.MasksItself
                : InterruptInfo.ByEvent | InterruptInfo.KeepsSize,
            Index = asked.Index,
            Count = CountOf(asked.Index),
        });
        return Errno.None;
    }

    private Errno SetInterrupts(ReadOnlySpan<byte> body)
    {
        if (body.Length < InterruptRequest.Bytes)
            return Invalid("no request about interrupts");
        var request = MemoryMarshal.Read<InterruptRequest>(body);
        var data = body[InterruptRequest.Bytes..];
        var kind = request.Flags & InterruptRequest.DataMask;
        var action = request.Flags & InterruptRequest.ActionMask;
        var available = CountOf(request.Index);
        if (request.ArgumentSize < InterruptRequest.Bytes || (kind | action) != request.Flags || BitOperations.PopCount(kind) != 1
            || BitOperations.PopCount(action) != 1)
        {
            return Invalid("no kind of data, no action, or several");
        }

        if (request.Index >= InterruptIndex.Count || request.Start > available || request.Count > available - request.Start)
            return Invalid("there are not so many interrupts");
        if (kind != InterruptRequest.EventData && _files.Count > 0)
            return Invalid("descriptors that do not belong to it");
        if (data.Length != (kind == InterruptRequest.ByteData ? (int)request.Count : 0))
            return Invalid("data of another length");
        if (kind == InterruptRequest.EventData)
            return SetFiles(request, action);
        if (request.Count == 0)
        {
            if (kind != InterruptRequest.NoData || action != InterruptRequest.Trigger || request.Start != 0)
                return Invalid("nothing is asked for");
            _function.Interrupts.Clear(request.Index);
            return Errno.None;
        }

        if (action != InterruptRequest.Trigger && request.Index != InterruptIndex.Line)
            return Invalid("messages are masked in their table");
        for (var i = 0; i < (int)request.Count; i++)
        {
            if (kind == InterruptRequest.NoData || data[i] != 0)
                Act(request.Index, action, (int)request.Start + i);
        }

        return Errno.None;
    }

    /// <summary>Gives interrupts the files by which they are signalled. Without files they are signalled no more.</summary>
    private Errno SetFiles(in InterruptRequest request, uint action)
    {
        if (action != InterruptRequest.Trigger)
            return Fail(Errno.NotSupported, "interrupts are not masked by files");
        if (request.Count == 0 || (_files.Count != 0 && _files.Count != request.Count))
            return Invalid("another number of descriptors than interrupts");
        if (_files.Count > Capabilities.MaxFiles || !_files.TrueForAll(EventFile.IsUsable))
            return Invalid("too many descriptors, or some that are no event files");
        for (var i = 0; i < (int)request.Count; i++)
        {
            var file = _files.Count == 0 ? null : _files[i];
            if (request.Index == InterruptIndex.Line)
                _function.Interrupts.SetLineFile(file);
            else
                _function.Interrupts.SetFile((int)request.Start + i, file);
        }

        _files.Clear(); // they are in use now
        return Errno.None;
    }

    private void Act(uint index, uint action, int interrupt)
    {
        if (action != InterruptRequest.Trigger)
            _function.Interrupts.SetMask(action == InterruptRequest.Mask);
        else if (index == InterruptIndex.Line)
            _function.Interrupts.SignalLine();
        else
            _function.Interrupts.Raise(interrupt);
    }

    private uint CountOf(uint index) => index switch
    {
        InterruptIndex.Line when _function.Identity.InterruptPin != 0 => 1,
        InterruptIndex.Msix => (uint)_function.Identity.Vectors,
        _ => 0,
    };
}
