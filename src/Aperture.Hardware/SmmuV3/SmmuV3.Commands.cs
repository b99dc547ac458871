using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.SmmuV3;

/// <content>Commands. Each is done when it is consumed; what it drops is used by no access any more once the register access that let it
/// be consumed, or one that sees it consumed, has returned.</content>
public sealed partial class SmmuV3
{
    private const uint Stage2Asid = 1 << 16; // the address space number under which the TLB keeps translations of stage 2 alone
    private const int CommandErrorShift = 24;

    private bool _stoppedCommands; // by an error that software has not acknowledged

    /// <summary>Commands consumed since the unit was made.</summary>
    public ulong Commands { get; private set; }

    private void RunCommands()
    {
        Span<byte> bytes = stackalloc byte[SmmuV3Command.Bytes];
        while ((_control & SmmuV3Control.CommandQueue) != 0 && !_stoppedCommands && !_commands.IsEmpty)
        {
            var at = new PhysicalAddress(_commands.AddressOf(_commands.Consumer, SmmuV3Command.Bytes));
            if (!Bus.TryReadMemory(at, bytes, Options.IsCoherent))
            {
                StopCommands(SmmuV3CommandError.Abort);
                return;
            }

            var command = new SmmuV3Command(
                BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
            if (command.Opcode == SmmuV3Opcode.Sync && _hasMuteDevice)
            {
                _hasMuteDevice = false;
                StopCommands(SmmuV3CommandError.AtcInvalidation);
                return;
            }

            if (!TryDo(command))
            {
                StopCommands(SmmuV3CommandError.Illegal);
                return;
            }

            Commands++;
            // The error of before stays readable until the next.
            _commands.Consumer = _commands.Ring.Next(_commands.Consumer) | (_commands.Consumer & (0x7Fu << CommandErrorShift));
        }
    }

    private void StopCommands(SmmuV3CommandError error)
    {
        _commands.Consumer = _commands.Ring.PlaceOf(_commands.Consumer) | ((uint)error << CommandErrorShift);
        _stoppedCommands = true;
        RaiseError(SmmuV3GlobalErrors.Command);
    }

    private bool TryDo(in SmmuV3Command command)
    {
        switch (command.Opcode)
        {
            case SmmuV3Opcode.PrefetchConfig:
            case SmmuV3Opcode.PrefetchAddress:
                return true; // a hint
            case SmmuV3Opcode.InvalidateStream:
            case SmmuV3Opcode.InvalidateStreams:
            case SmmuV3Opcode.InvalidateContext:
            case SmmuV3Opcode.InvalidateContexts:
                return TryDropConfiguration(command);
            case SmmuV3Opcode.AtcInvalidate when Options.HasAts:
                InvalidateDevice(command);
                return true;
            case SmmuV3Opcode.PageResponse when Options.HasPageRequests && command.Response != 3:
                AnswerDevice(command);
                return true;
            case SmmuV3Opcode.Resume when Options.Stalls > 0:
                ResumeStalled(command);
                return true;
            case SmmuV3Opcode.TerminateStalled when Options.Stalls > 0:
                TerminateStalled(command.Stream);
                return true;
            case SmmuV3Opcode.Sync:
                return TrySynchronise(command);
            default:
                return TryInvalidate(command);
        }
    }

    private bool TrySynchronise(in SmmuV3Command command)
    {
        if (command.Completion == 3)
            return false;
        EndAccesses();
        if (command.Completion != 1)
            return true; // an event for processors: nobody waits for one here
        if (Options.HasMessages && command.MessageAddress != 0)
        {
            Send(new Message { Address = command.MessageAddress, Data = command.MessageData }, SmmuV3GlobalErrors.CommandMessage);
            return true;
        }

        Interrupts[3].Set(true);
        Interrupts[3].Set(false);
        return true;
    }

    private bool TryDropConfiguration(in SmmuV3Command command)
    {
        var (stream, substream) = (command.Stream, command.SubstreamField);
        switch (command.Opcode)
        {
            case SmmuV3Opcode.InvalidateStreams when command.StreamRange == SmmuV3Command.AllStreams:
                DropContexts();
                break;
            case SmmuV3Opcode.InvalidateStreams:
                var shift = (int)command.StreamRange + 1;
                DropContexts(context => context.Stream >> shift == stream >> shift);
                break;
            case SmmuV3Opcode.InvalidateContext:
                if (!Options.HasStage1)
                    return false;
                DropContexts(context => context.Stream == stream && (context.Substream ?? 0) == substream);
                break;
            default:
                if (command.Opcode == SmmuV3Opcode.InvalidateContexts && !Options.HasStage1)
                    return false;
                DropContexts(context => context.Stream == stream);
                break;
        }

        EndAccesses();
        return true;
    }

    private bool TryInvalidate(in SmmuV3Command command)
    {
        var asid = Options.AsidBits == 16 ? command.Asid : command.Asid & 0xFF;
        var vmid = Options.VmidBits == 16 ? command.Vmid : command.Vmid & 0xFF;
        switch (command.Opcode)
        {
            case SmmuV3Opcode.TlbAll when Options.HasStage1:
                DropOf(new TlbTag(vmid), TlbTag.VmidMask | Stage2Asid);
                break;
            case SmmuV3Opcode.TlbAsid when Options.HasStage1:
                DropOf(new TlbTag(vmid, asid), uint.MaxValue, includesGlobal: false);
                break;
            case SmmuV3Opcode.TlbAddress when Options.HasStage1:
                return TryDropRange(command, new TlbTag(vmid, asid), uint.MaxValue);
            case SmmuV3Opcode.TlbAddressOfAll when Options.HasStage1:
                return TryDropRange(command, new TlbTag(vmid), TlbTag.VmidMask | Stage2Asid);
            case SmmuV3Opcode.TlbHypervisorAll when Options.HasHypervisor:
                DropOf(new TlbTag(0, 0, TlbWorld.Hypervisor), TlbTag.VmidMask);
                break;
            case SmmuV3Opcode.TlbHypervisorAsid when Options.HasHypervisor:
                DropOf(new TlbTag(0, asid, TlbWorld.Hypervisor), uint.MaxValue, includesGlobal: false);
                break;
            case SmmuV3Opcode.TlbHypervisorAddress when Options.HasHypervisor:
                return TryDropRange(command, new TlbTag(0, asid, TlbWorld.Hypervisor), uint.MaxValue);
            case SmmuV3Opcode.TlbHypervisorAddressOfAll when Options.HasHypervisor:
                return TryDropRange(command, new TlbTag(0, 0, TlbWorld.Hypervisor), TlbTag.VmidMask);
            case SmmuV3Opcode.TlbVirtualMachine when Options.HasStage2:
                DropOf(new TlbTag(vmid), TlbTag.VmidMask);
                break;
            case SmmuV3Opcode.TlbIntermediate when Options.HasStage2:
                return TryDropRange(command, new TlbTag(vmid, Stage2Asid), uint.MaxValue);
            case SmmuV3Opcode.TlbNonSecureAll:
                DropNonSecure();
                break;
            default:
                return false;
        }

        EndAccesses();
        return true;
    }

    private void DropOf(TlbTag tag, uint mask, bool includesGlobal = true)
    {
        if (!_tags.TryFind(tag, out var number))
            return;
        _tlb.Invalidate(new TlbInvalidation { Tag = number, TagMask = mask, IncludesGlobal = includesGlobal });
        _steps.Drop(number, mask, 0, ulong.MaxValue);
    }

    /// <summary>Everything but the hypervisor's regime.</summary>
    private void DropNonSecure()
    {
        for (var i = 0; i < _tlb.Entries; i++)
        {
            if ((_tlb.Tag(i) & TlbTag.VmidMask) != _hypervisor)
                _tlb.Invalidate(i);
        }

        _steps.DropOther(_hypervisor, TlbTag.VmidMask);
    }

    private bool TryDropRange(in SmmuV3Command command, TlbTag tag, uint mask)
    {
        var first = command.Address;
        var last = first;
        if (Options.HasRanges && command.Granule != 0)
        {
            var granule = command.Granule switch { 1 => 12, 2 => 14, _ => 16 };
            var pages = command.Pages;
            first &= ~((1UL << granule) - 1);
            last = pages - 1 > (ulong.MaxValue - first) >> granule ? ulong.MaxValue : first + ((pages << granule) - 1);
        }

        EndAccesses();
        if (!_tags.TryFind(tag, out var number))
            return true;
        _tlb.Invalidate(new TlbInvalidation { Tag = number, TagMask = mask, First = new Iova(first), Last = new Iova(last) });
        if (!command.IsLeafOnly)
            _steps.Drop(number, mask, first, last);
        return true;
    }
}
