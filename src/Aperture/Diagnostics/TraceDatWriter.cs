using System.Buffers.Binary;
using System.Text;
using Aperture.Core;

namespace Aperture.Diagnostics;

/// <summary>Writes the events of the IOMMU and DMA APIs as <c>trace.dat</c>, version 6 of the file of <c>trace-cmd</c> (its manual page
/// trace-cmd.dat.v6), which <c>trace-cmd report</c> and KernelShark open. The text that they print is that of <see cref="FtraceWriter"/>,
/// at
/// the same times.</summary>
/// <remarks>Thread-safe. The same run gives the same bytes. A file is whole once <see cref="Finish"/> or <see cref="Dispose"/> was
/// called: only then it says how long it is.</remarks>
public sealed partial class TraceDatWriter : DmaTrace, IDisposable
{
    private const int Process = 1;
    private const int LittleEndian = 0;

    private const string PageForm =
        "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
        + "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

    private const string EventForm =
        "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n"
        + "\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == 28\n";

    private readonly Lock _lock = new(); // one event at a time
    private readonly Stream _output;
    private readonly TimeProvider _time;
    private readonly TraceKernel _kernel;
    private readonly TraceDatFormats _formats;
    private readonly TraceRecord _record = new();
    private readonly TraceRing _ring;
    private readonly long _sizeAt; // where the ring's bytes are told
    private ulong _last; // microseconds of the event before, plus one
    private bool _isFinished;

    /// <summary>A writer; what stands before the events is written at once.</summary>
    /// <param name="output">Where the file goes: something that can be sought in. It stays the caller's to dispose.</param>
    /// <param name="time">The machine's clock.</param>
    /// <param name="task">The name of the task, at most 15 characters as Linux has it.</param>
    /// <param name="kernel">Whose names the events have.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: <paramref name="output"/> is a pipe or the like.</exception>
    public TraceDatWriter(Stream output, TimeProvider time, string task = "aperture", TraceKernel kernel = TraceKernel.Linux612)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentException.ThrowIfNullOrEmpty(task);
        if (!output.CanSeek)
            throw new ApertureException(
                Status.NotSupported, "a trace.dat says at its beginning how long it is, so it cannot go into a pipe");
        (_output, _time, _kernel) = (output, time, kernel);
        _formats = new TraceDatFormats(kernel);
        _ring = new TraceRing(output);
        var head = new MemoryStream();
        Head(head, task);
        head.Write("flyrecord\0"u8);
        _sizeAt = output.Position + head.Length + sizeof(ulong);
        // One processor: where its pages begin, which is at a page, and how many bytes they are.
        var begin = (ulong)(_sizeAt + sizeof(ulong) + TraceRing.PageBytes - 1) / TraceRing.PageBytes * TraceRing.PageBytes;
        Number(head, begin, sizeof(ulong));
        head.SetLength((long)begin - output.Position);
        head.WriteTo(output);
    }

    /// <summary>Writes what was held back, and how long the file is. Events that come later are left out.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            if (_isFinished)
                return;
            _isFinished = true;
            _ring.Flush();
            Span<byte> size = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(size, _ring.Written);
            var end = _output.Position;
            _output.Position = _sizeAt;
            _output.Write(size);
            _output.Position = end;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Finish();

    /// <inheritdoc/>
    public override void AddDeviceToGroup(int group, string device) =>
        Write(_formats.AddDevice, record => record.Number((ulong)group).Text(device));

    /// <inheritdoc/>
    public override void RemoveDeviceFromGroup(int group, string device) =>
        Write(_formats.RemoveDevice, record => record.Number((ulong)group).Text(device));

    /// <inheritdoc/>
    public override void AttachDeviceToDomain(string device) => Write(_formats.Attach, record => record.Text(device));

    /// <inheritdoc/>
    public override void Map(Iova iova, PhysicalAddress address, ulong size) =>
        Write(_formats.Map, record => record.Number(iova.Value).Number(address.Value).Number(size));

    /// <inheritdoc/>
    public override void Unmap(Iova iova, ulong size, ulong unmapped) =>
        Write(_formats.Unmap, record => record.Number(iova.Value).Number(size).Number(unmapped));

    /// <inheritdoc/>
    public override void IoPageFault(string device, string driver, Iova iova, bool isWrite) =>
        Write(_formats.Fault, record => record.Text(device).Text(driver).Number(iova.Value).Number(isWrite ? 1u : 0));

    private void Write(TraceEventFormat format, Action<TraceRecord> fill)
    {
        lock (_lock)
        {
            if (Begin(format) is not { } record)
                return;
            fill(record);
            End();
        }
    }

    /// <summary>Begins an event; null when nothing is written any more.</summary>
    private TraceRecord? Begin(TraceEventFormat format) => _isFinished ? null : _record.Begin(format, Process);

    private void End()
    {
        // The text's times: each a microsecond later at least.
        var now = (ulong)_time.GetElapsedTime(0, _time.GetTimestamp()).Ticks / TimeSpan.TicksPerMicrosecond;
        var microseconds = Math.Max(now, _last);
        _last = microseconds + 1;
        _ring.Add(microseconds * 1000, _record.Bytes);
    }

    /// <summary>What stands before the pages.</summary>
    private void Head(Stream head, string task)
    {
        head.Write([0x17, 0x08, 0x44, .. "tracing"u8, .. "6\0"u8, LittleEndian, sizeof(ulong)]);
        Number(head, TraceRing.PageBytes, sizeof(uint));
        head.Write("header_page\0"u8);
        Section(head, PageForm, sizeof(ulong));
        head.Write("header_event\0"u8);
        Section(head, EventForm, sizeof(ulong));
        Number(head, 0, sizeof(uint)); // formats of the function tracer: none
        var systems = _formats.All.GroupBy(format => format.System).ToArray();
        Number(head, (ulong)systems.Length, sizeof(uint));
        foreach (var system in systems)
        {
            head.Write(Encoding.ASCII.GetBytes(system.Key + '\0'));
            Number(head, (ulong)system.Count(), sizeof(uint));
            foreach (var format in system)
                Section(head, format.ToString(), sizeof(ulong));
        }

        Section(head, "", sizeof(uint)); // addresses of functions
        Section(head, "", sizeof(uint)); // addresses of formats
        Section(head, FormattableString.Invariant($"{Process} {task}\n"), sizeof(ulong));
        Number(head, 1, sizeof(uint)); // processors
    }

    private static void Section(Stream head, string text, int sizeBytes)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        Number(head, (ulong)bytes.Length, sizeBytes);
        head.Write(bytes);
    }

    private static void Number(Stream head, ulong value, int bytes)
    {
        for (var i = 0; i < bytes; i++)
            head.WriteByte((byte)(value >> (8 * i)));
    }
}
