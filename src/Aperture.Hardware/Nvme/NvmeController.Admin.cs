using System.Buffers.Binary;
using Aperture.Datasheets.Nvme;

namespace Aperture.Hardware.Nvme;

/// <content>Admin commands.</content>
public sealed partial class NvmeController
{
    private readonly Dictionary<NvmeFeature, uint> _features = [];

    private NvmeStatus DoAdmin(in NvmeCommand command, out uint result, out bool isAnswered)
    {
        result = 0;
        isAnswered = true;
        if (command.Fused != 0)
            return NvmeStatus.InvalidField;
        switch ((NvmeAdminOpcode)command.Opcode)
        {
            case NvmeAdminOpcode.CreateCompletionQueue:
                return CreateCompletions(command);
            case NvmeAdminOpcode.CreateSubmissionQueue:
                return CreateSubmissions(command);
            case NvmeAdminOpcode.DeleteSubmissionQueue:
                return DeleteSubmissions((ushort)command.Word10);
            case NvmeAdminOpcode.DeleteCompletionQueue:
                return DeleteCompletions((ushort)command.Word10);
            case NvmeAdminOpcode.Identify:
                return Identify(command);
            case NvmeAdminOpcode.GetLogPage:
                return GetLogPage(command);
            case NvmeAdminOpcode.SetFeatures:
                return SetFeature(command, out result);
            case NvmeAdminOpcode.GetFeatures:
                return GetFeature(command, out result);
            case NvmeAdminOpcode.Abort:
                result = 1; // commands are done in their order: what could be aborted is done, but for requests for events
                return Abort((ushort)(command.Word10 >> 16), (ushort)command.Word10, ref result);
            case NvmeAdminOpcode.AsyncEventRequest:
                if (_events.TryDequeue(out result))
                    return NvmeStatus.Success;
                if (_waiting.Count == Options.AsyncEvents)
                    return NvmeStatus.AsyncEventLimit;
                _waiting.Enqueue(command.Id);
                isAnswered = false;
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidOpcode;
        }
    }

    private NvmeStatus CreateCompletions(in NvmeCommand command)
    {
        var number = command.Word10 & 0xFFFF;
        var entries = (command.Word10 >> 16) + 1;
        if (number == 0 || number >= _completions.Length || _completions[number] is not null)
            return NvmeStatus.InvalidQueueId;
        if (entries < 2 || entries > Options.QueueEntries)
            return NvmeStatus.InvalidQueueSize;
        if ((command.Word11 & 1) == 0 || (command.Prp1 & (ulong)(PageBytes - 1)) != 0 || _configuration.CompletionEntryShift != 4)
            return NvmeStatus.InvalidField; // only in one piece
        if (command.Word11 >> 16 >= (uint)Options.Vectors)
            return NvmeStatus.InvalidVector;
        _completions[number] = new NvmeCompletionQueue(
            (ushort)number, command.Prp1, entries, (int)(command.Word11 >> 16), (command.Word11 & 2) != 0);
        _queues = Math.Max(_queues, (int)number + 1);
        _vectors = Math.Max(_vectors, (int)(command.Word11 >> 16) + 1);
        return NvmeStatus.Success;
    }

    private NvmeStatus CreateSubmissions(in NvmeCommand command)
    {
        var number = command.Word10 & 0xFFFF;
        var entries = (command.Word10 >> 16) + 1;
        var completions = command.Word11 >> 16;
        if (completions == 0 || completions >= _completions.Length || _completions[completions] is not { } target)
            return NvmeStatus.InvalidCompletionQueue;
        if (number == 0 || number >= _submissions.Length || _submissions[number] is not null)
            return NvmeStatus.InvalidQueueId;
        if (entries < 2 || entries > Options.QueueEntries)
            return NvmeStatus.InvalidQueueSize;
        if ((command.Word11 & 1) == 0 || (command.Prp1 & (ulong)(PageBytes - 1)) != 0 || _configuration.SubmissionEntryShift != 6)
            return NvmeStatus.InvalidField;
        target.Users++;
        _queues = Math.Max(_queues, (int)number + 1);
        _submissions[number] = new NvmeSubmissionQueue((ushort)number, command.Prp1, entries, target);
        return NvmeStatus.Success;
    }

    private NvmeStatus DeleteSubmissions(ushort number)
    {
        if (number == 0 || number >= _submissions.Length || _submissions[number] is not { } queue)
            return NvmeStatus.InvalidQueueId;
        queue.Completions.Users--;
        _submissions[number] = null;
        return NvmeStatus.Success;
    }

    private NvmeStatus DeleteCompletions(ushort number)
    {
        if (number == 0 || number >= _completions.Length || _completions[number] is not { } queue)
            return NvmeStatus.InvalidQueueId;
        if (queue.Users > 0)
            return NvmeStatus.InvalidQueueDeletion;
        _completions[number] = null;
        return NvmeStatus.Success;
    }

    private NvmeStatus Abort(ushort id, ushort queue, ref uint result)
    {
        if (queue >= _submissions.Length || _submissions[queue] is null)
            return NvmeStatus.InvalidField;
        if (queue != 0 || !_waiting.Contains(id) || _completions[0]!.Free < 2)
            return NvmeStatus.Success; // there must be room for the end of both
        for (var left = _waiting.Count; left > 0; left--)
        {
            if (_waiting.Dequeue() is var other && other != id)
                _waiting.Enqueue(other);
        }

        TryComplete(_completions[0]!, _submissions[0]!, id, NvmeStatus.AbortRequested, 0);
        result = 0;
        return NvmeStatus.Success;
    }

    private NvmeStatus SetFeature(in NvmeCommand command, out uint result)
    {
        result = 0;
        var feature = (NvmeFeature)command.Word10;
        if (!Enum.IsDefined(feature))
            return NvmeStatus.InvalidField;
        if (command.Word10 >> 31 != 0)
            return NvmeStatus.FeatureNotSaveable;
        var value = command.Word11;
        switch (feature)
        {
            case NvmeFeature.NumberOfQueues:
                if ((value & 0xFFFF) == 0xFFFF || value >> 16 == 0xFFFF)
                    return NvmeStatus.InvalidField;
                if (Array.Exists(_submissions, queue => queue is { Number: > 0 }) || Array.Exists(_completions,
                    queue => queue is { Number: > 0 }))
                    return NvmeStatus.SequenceError;
                value = result = Math.Min(value & 0xFFFF, (uint)Options.Queues - 1) | Math.Min(value >> 16, (uint)Options.Queues - 1) << 16;
                break;
            case NvmeFeature.PowerManagement when (value & 0x1F) != 0:
                return NvmeStatus.InvalidField; // one state only
            case NvmeFeature.VectorConfiguration when (value & 0xFFFF) >= Options.Vectors:
                return NvmeStatus.InvalidField;
        }

        _features[feature] = value;
        return NvmeStatus.Success;
    }

    private NvmeStatus GetFeature(in NvmeCommand command, out uint result)
    {
        result = 0;
        var feature = (NvmeFeature)command.Word10;
        if (!Enum.IsDefined(feature))
            return NvmeStatus.InvalidField;
        var standard = feature switch
        {
            NvmeFeature.NumberOfQueues => (uint)(Options.Queues - 1) * 0x1_0001,
            NvmeFeature.TemperatureThreshold => 0x157u, // 343 K
            NvmeFeature.WriteCache => 1u,
            NvmeFeature.VectorConfiguration => command.Word11 & 0xFFFF,
            _ => 0u,
        };
        switch (command.Word10 >> 8 & 7)
        {
            case 0:
                result = _features.GetValueOrDefault(feature, standard);
                return NvmeStatus.Success;
            case 1 or 2:
                result = standard; // nothing is saved
                return NvmeStatus.Success;
            case 3:
                result = 4; // can be changed
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidField;
        }
    }

    private NvmeStatus GetLogPage(in NvmeCommand command)
    {
        var count = ((command.Word10 >> 16) | (ulong)(command.Word11 & 0xFFFF) << 16) + 1;
        var offset = command.Word12 | (ulong)command.Word13 << 32;
        Span<byte> page = stackalloc byte[512];
        page.Clear();
        switch (command.Word10 & 0xFF)
        {
            case 1: // errors: there are none that a completion did not tell
                break;
            case 2: // health
                BinaryPrimitives.WriteUInt16LittleEndian(page[1..], 300); // K
                page[3] = 100; // spare, in percent
                page[4] = 10;
                BinaryPrimitives.WriteUInt64LittleEndian(page[32..], DataBytes / 512_000);
                BinaryPrimitives.WriteUInt64LittleEndian(page[64..], Commands);
                break;
            case 3: // firmware
                page[0] = 1;
                Text(page.Slice(8, 8), Options.Firmware);
                break;
            default:
                return NvmeStatus.InvalidLogPage;
        }

        if (offset % 4 != 0 || offset >= (ulong)page.Length)
            return NvmeStatus.InvalidField;
        // What is asked for beyond the page is not sent.
        var bytes = (int)Math.Min(count * 4, (ulong)page.Length - offset);
        return Send(command, page.Slice((int)offset, bytes));
    }

    private NvmeStatus Identify(in NvmeCommand command)
    {
        Span<byte> page = stackalloc byte[4096];
        page.Clear();
        switch (command.Word10 & 0xFF)
        {
            case 0: // a namespace
                if (command.Namespace != AllNamespaces && (command.Namespace == 0 || command.Namespace > (uint)_namespaces.Length))
                    return NvmeStatus.InvalidNamespace;
                DescribeNamespace(command.Namespace == AllNamespaces ? null : _namespaces[command.Namespace - 1], command.Namespace, page);
                break;
            case 1: // the controller
                DescribeController(page);
                break;
            case 2: // the namespaces above a number
                if (command.Namespace >= 0xFFFF_FFFE)
                    return NvmeStatus.InvalidNamespace;
                var at = 0;
                for (var number = command.Namespace + 1; number <= (uint)_namespaces.Length && at < page.Length; number++, at += 4)
                    BinaryPrimitives.WriteUInt32LittleEndian(page[at..], number);
                break;
            case 3: // the names of a namespace
                if (command.Namespace == 0 || command.Namespace > (uint)_namespaces.Length)
                    return NvmeStatus.InvalidNamespace;
                (page[0], page[1]) = (1, 8);
                BinaryPrimitives.WriteUInt64BigEndian(page[4..], EuiOf(command.Namespace));
                break;
            default:
                return NvmeStatus.InvalidField;
        }

        return Send(command, page);
    }

    private void DescribeController(Span<byte> page)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(page, Options.Vendor);
        BinaryPrimitives.WriteUInt16LittleEndian(page[2..], Options.Vendor);
        Text(page.Slice(4, 20), Options.Serial);
        Text(page.Slice(24, 40), Options.Model);
        Text(page.Slice(64, 8), Options.Firmware);
        page[77] = Options.TransferPagesLog2;
        BinaryPrimitives.WriteUInt32LittleEndian(page[80..], NvmeRegister.Version14);
        page[111] = 1; // an I/O controller
        page[258] = 3; // commands that may be aborted at once, less one
        page[259] = (byte)(Options.AsyncEvents - 1);
        page[260] = 3; // one firmware, read only
        page[262] = 0; // entries of the error log, less one
        BinaryPrimitives.WriteUInt16LittleEndian(page[266..], 0x157);
        BinaryPrimitives.WriteUInt16LittleEndian(page[268..], 0x175);
        (page[512], page[513]) = (0x66, 0x44);
        BinaryPrimitives.WriteUInt16LittleEndian(page[514..], (ushort)Math.Min(Options.QueueEntries, 0xFFFF));
        BinaryPrimitives.WriteUInt32LittleEndian(page[516..], (uint)_namespaces.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(page[520..], 1 | 1 << 2 | 1 << 3); // compare, dataset management, write zeroes
        page[525] = 1; // a write cache
        BinaryPrimitives.WriteUInt32LittleEndian(page[536..], Options.HasSgls ? 1u | 1 << 16 : 0);
        Text(page.Slice(768, 256), $"nqn.2014-08.org.nvmexpress:{Options.Serial}", fill: 0);
        BinaryPrimitives.WriteUInt16LittleEndian(page[2048..], 100); // of 10 mW: the one power state
    }

    private void DescribeNamespace(NvmeNamespace? target, uint number, Span<byte> page)
    {
        var blocks = target?.Blocks ?? 0;
        BinaryPrimitives.WriteUInt64LittleEndian(page, blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(page[8..], blocks);
        BinaryPrimitives.WriteUInt64LittleEndian(page[16..], blocks);
        page[33] = 1; // what is not needed any more reads as zeros
        if (target is not null)
            BinaryPrimitives.WriteUInt64BigEndian(page[120..], EuiOf(number));
        page[130] = (byte)(target?.BlockShift ?? 9); // the only format
    }

    /// <summary>A name for each namespace that depends on nothing but the serial number.</summary>
    private ulong EuiOf(uint number)
    {
        var hash = 14695981039346656037ul; // FNV-1a
        foreach (var letter in Options.Serial)
            hash = (hash ^ letter) * 1099511628211;
        return hash << 16 | number & 0xFFFF;
    }

    private static void Text(Span<byte> place, string text, byte fill = (byte)' ')
    {
        place.Fill(fill);
        System.Text.Encoding.ASCII.GetBytes(text, place);
    }
}
