using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Nvme;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Nvme;

/// <summary>A controller on a bus with memory, driven by hand.</summary>
internal sealed class NvmeRig : IDisposable
{
    public const ulong Ram = 0x8000_0000;
    public const int AdminEntries = 8;
    public const int Entries = 4;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 4 << 20));
    private readonly (ulong Submissions, ulong Completions, int Entries)[] _queues;
    private readonly int[] _tails = new int[3];
    private readonly int[] _heads = new int[3];
    private readonly bool[] _phases = [true, true, true];
    private ushort _id;

    public NvmeRig(NvmeOptions? options = null, bool isOn = true)
    {
        Bus = new SystemBus(_memory);
        Disk = new byte[256 << 9];
        Large = new byte[64 << 12];
        Controller = new NvmeController(
            new DmaPort(Bus), options ?? new NvmeOptions(), new NvmeNamespace(Disk), new NvmeNamespace(Large, 12));
        _queues = [(Ram, Ram + 0x1000, AdminEntries), (Ram + 0x2000, Ram + 0x3000, Entries), (Ram + 0x4000, Ram + 0x5000, Entries)];
        if (!isOn)
            return;
        Enable();
        for (var queue = 1; queue <= 2; queue++)
            CreateQueue(queue);
    }

    public SystemBus Bus { get; }

    public byte[] Disk { get; }

    public byte[] Large { get; }

    public NvmeController Controller { get; }

    /// <summary>Memory for data, page by page.</summary>
    public static ulong Data(int page) => Ram + 0x1_0000 + ((ulong)page << 12);

    public void Dispose() => _memory.Dispose();

    public Span<byte> Bytes(ulong address, int length) => _memory.Span(new PhysicalAddress(address), length);

    public ulong Read(uint offset, int width = 4)
    {
        Assert.True(Controller.TryRead(offset, width, out var value));
        return value;
    }

    public void Write(uint offset, ulong value, int width = 4) => Assert.True(Controller.TryWrite(offset, width, value));

    public NvmeControllerStatus Status => (NvmeControllerStatus)Read(NvmeRegister.Status);

    public void Enable()
    {
        Write(NvmeRegister.AdminQueueAttributes, (AdminEntries - 1) * 0x1_0001ul);
        Write(NvmeRegister.AdminSubmissionQueue, _queues[0].Submissions, 8);
        Write(NvmeRegister.AdminCompletionQueue, _queues[0].Completions, 8);
        Write(NvmeRegister.Configuration, NvmeConfiguration.Enable(12).Value);
    }

    public void CreateQueue(int queue)
    {
        var size = (uint)(Entries - 1) << 16;
        Assert.Equal(NvmeStatus.Success, Admin(NvmeAdminOpcode.CreateCompletionQueue, _queues[queue].Completions,
            (uint)queue | size, 3 | (uint)queue << 16).Status);
        Assert.Equal(NvmeStatus.Success, Admin(NvmeAdminOpcode.CreateSubmissionQueue, _queues[queue].Submissions,
            (uint)queue | size, 1 | (uint)queue << 16).Status);
    }

    /// <summary>Puts a command into a queue; nobody is told yet.</summary>
    public ushort Put(int queue, NvmeCommand command)
    {
        command.Id = ++_id;
        var at = _queues[queue].Submissions + ((ulong)_tails[queue] * NvmeCommand.Bytes);
        MemoryMarshal.Write(Bytes(at, NvmeCommand.Bytes), command);
        _tails[queue] = (_tails[queue] + 1) % _queues[queue].Entries;
        return command.Id;
    }

    public void RingTail(int queue) => Write(NvmeRegister.SubmissionTail(queue), (uint)_tails[queue]);

    /// <summary>The next completion, if there is one, which stays in its place until the head is rung.</summary>
    public NvmeCompletion? Take(int queue)
    {
        var at = _queues[queue].Completions + ((ulong)_heads[queue] * NvmeCompletion.Bytes);
        var entry = NvmeCompletion.Of(BitConverter.ToUInt64(Bytes(at, 8)), BitConverter.ToUInt64(Bytes(at + 8, 8)));
        if (entry.Phase != _phases[queue])
            return null;
        _heads[queue] = (_heads[queue] + 1) % _queues[queue].Entries;
        _phases[queue] ^= _heads[queue] == 0;
        return entry;
    }

    public void RingHead(int queue) => Write(NvmeRegister.CompletionHead(queue), (uint)_heads[queue]);

    public NvmeCompletion Do(int queue, NvmeCommand command)
    {
        var id = Put(queue, command);
        RingTail(queue);
        var end = Take(queue);
        Assert.NotNull(end);
        Assert.Equal((id, (ushort)queue), (end.Value.Id, end.Value.Queue));
        RingHead(queue);
        return end.Value;
    }

    public NvmeCompletion Admin(NvmeAdminOpcode opcode, ulong prp = 0, uint word10 = 0, uint word11 = 0, uint name = 0, uint word12 = 0) =>
        Do(0, new NvmeCommand
        {
            Opcode = (byte)opcode,
            Namespace = name,
            Prp1 = prp,
            Word10 = word10,
            Word11 = word11,
            Word12 = word12,
        });

    public NvmeCompletion Blocks(NvmeOpcode opcode, ulong first, int count, ulong prp1, ulong prp2 = 0, uint name = 1, int queue = 1) =>
        Do(queue, Command(opcode, first, count, prp1, prp2, name));

    public static NvmeCommand Command(NvmeOpcode opcode, ulong first, int count, ulong prp1, ulong prp2 = 0, uint name = 1) => new()
    {
        Opcode = (byte)opcode,
        Namespace = name,
        FirstBlock = first,
        Blocks = count,
        Prp1 = prp1,
        Prp2 = prp2,
    };
}
