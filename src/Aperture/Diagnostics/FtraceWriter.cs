using System.Globalization;
using System.Text;
using Aperture.Core;

namespace Aperture.Diagnostics;

/// <summary>Writes the events of the IOMMU and DMA APIs in the text format of Linux's trace buffer (trace systems <c>iommu</c>,
/// <c>dma</c> and <c>swiotlb</c>), so that tools made for it read them.</summary>
/// <remarks>
/// <para>Thread-safe. The same run gives the same bytes: the task is always the one named here on CPU 0, and where a kernel prints a hashed
/// pointer (<c>virt_addr</c>) the physical address stands.</para>
/// <para>The time is the machine's. That stands still while software works, so every line is at least a microsecond later than the one
/// before: order and distances can be read off, durations of software cannot.</para>
/// <para>The header lacks the line that counts entries: lines are written as they come and none is lost.</para>
/// </remarks>
public sealed partial class FtraceWriter : DmaTrace
{
    private const string Header = """
        # tracer: nop
        #
        # virt_addr is the physical address
        #
        #                                _-----=> irqs-off/BH-disabled
        #                               / _----=> need-resched
        #                              | / _---=> hardirq/softirq
        #                              || / _--=> preempt-depth
        #                              ||| / _-=> migrate-disable
        #                              |||| /     delay
        #           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
        #              | |         |   |||||     |         |
        """;

    private readonly Lock _lock = new();           // one line at a time
    private readonly StringBuilder _line = new();  // the line being made
    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private readonly string _task; // task and process number, padded
    private readonly TraceKernel _kernel;
    private readonly bool _isPhysical; // names of Linux 6.18
    private bool _isLeftOut; // the kernel has no such event
    private ulong _last; // microseconds of the line before, plus one

    /// <summary>A writer; the header is written at once.</summary>
    /// <param name="output">Where the lines go. It stays the caller's to flush and dispose.</param>
    /// <param name="time">The machine's clock: its timestamp is printed in seconds.</param>
    /// <param name="task">The name of the task, at most 15 characters as Linux has it.</param>
    /// <param name="kernel">Whose names the events have.</param>
    public FtraceWriter(TextWriter output, TimeProvider time, string task = "aperture", TraceKernel kernel = TraceKernel.Linux612)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentException.ThrowIfNullOrEmpty(task);
        _output = output;
        _time = time;
        _kernel = kernel;
        _isPhysical = kernel == TraceKernel.Linux618;
        _task = string.Create(CultureInfo.InvariantCulture, $"{task,16}-{1,-7} [000] ..... ");
        foreach (var line in Header.EnumerateLines())
        {
            _line.Append(line);
            End();
        }
    }

    /// <inheritdoc/>
    public override void AddDeviceToGroup(int group, string device) =>
        Write("add_device_to_group", $"IOMMU: groupID={group} device={device}");

    /// <inheritdoc/>
    public override void RemoveDeviceFromGroup(int group, string device) =>
        Write("remove_device_from_group", $"IOMMU: groupID={group} device={device}");

    /// <inheritdoc/>
    public override void AttachDeviceToDomain(string device) => Write("attach_device_to_domain", $"IOMMU: device={device}");

    /// <inheritdoc/>
    public override void Map(Iova iova, PhysicalAddress address, ulong size) =>
        Write("map", $"IOMMU: iova=0x{iova.Value:x16} - 0x{iova.Value + size:x16} paddr=0x{address.Value:x16} size={size}");

    /// <inheritdoc/>
    public override void Unmap(Iova iova, ulong size, ulong unmapped) =>
        Write("unmap", $"IOMMU: iova=0x{iova.Value:x16} - 0x{iova.Value + size:x16} size={size} unmapped_size={unmapped}");

    /// <inheritdoc/>
    public override void IoPageFault(string device, string driver, Iova iova, bool isWrite) =>
        Write("io_page_fault", $"IOMMU:{driver} {device} iova=0x{iova.Value:x16} flags=0x{(isWrite ? 1 : 0):x4}");

    private void Write(string name, FormattableString text)
    {
        lock (_lock)
        {
            Begin(name);
            _line.Append(text.ToString(CultureInfo.InvariantCulture));
            End();
        }
    }

    private void Begin(string name)
    {
        _isLeftOut = _kernel == TraceKernel.Linux61 && name.StartsWith("dma_", StringComparison.Ordinal);
        if (_isLeftOut)
            return;
        var now = (ulong)_time.GetElapsedTime(0, _time.GetTimestamp()).Ticks / TimeSpan.TicksPerMicrosecond;
        var microseconds = Math.Max(now, _last);
        _last = microseconds + 1;
        _line.Append(_task).Append(CultureInfo.InvariantCulture, $"{microseconds / 1_000_000,5}.{microseconds % 1_000_000:d6}: {name}: ");
    }

    private void End()
    {
        // Always a line feed, whatever the platform.
        _line.Append('\n');
        if (!_isLeftOut)
        {
            foreach (var chunk in _line.GetChunks())
                _output.Write(chunk.Span);
        }

        _line.Clear();
    }
}
