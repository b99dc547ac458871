using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Diagnostics;

// The events of trace systems "dma" and "swiotlb".
public sealed partial class TraceDatWriter
{
    /// <inheritdoc/>
    public override void DmaMap(string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes) => WriteMap(_formats.DmaMap, device, direction, address, size, physical, attributes);

    /// <inheritdoc/>
    public override void DmaMapResource(string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes) =>
        WriteMap(_formats.DmaMapResource, device, direction, address, size, physical, FtraceWriter.OfResource(_kernel, attributes));

    /// <inheritdoc/>
    public override void DmaUnmapResource(string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes) =>
        WriteUnmap(_formats.DmaUnmapResource, device, direction, address, size, FtraceWriter.OfResource(_kernel, attributes));

    /// <inheritdoc/>
    public override void DmaUnmap(string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes) =>
        WriteUnmap(_formats.DmaUnmap, device, direction, address, size, attributes);

    /// <inheritdoc/>
    public override void DmaBounced(string device, Iova mask, Iova address, ulong size, bool isForced) => Write(
        _formats.Bounced, record => record.Text(device).Number(mask.Value).Number(address.Value).Number(size).Number(isForced ? 1u : 0));

    /// <inheritdoc/>
    public override void DmaAllocate(string device, Iova address, ulong size, PhysicalAddress physical, DmaAttributes attributes)
    {
        if (_formats.HasDma)
        {
            Write(_formats.DmaAllocate, record =>
                Coherent(record, device, address, size, physical, attributes).Number(TraceDatFormats.KernelFlags));
        }
    }

    /// <inheritdoc/>
    public override void DmaFree(string device, Iova address, ulong size, PhysicalAddress physical, DmaAttributes attributes)
    {
        if (_formats.HasDma)
            Write(_formats.DmaFree, record => Coherent(record, device, address, size, physical, attributes));
    }

    /// <inheritdoc/>
    public override void DmaMapScatter(string device, DmaDirection direction, ReadOnlySpan<DmaSegment> segments,
        ReadOnlySpan<MemoryBlock> memory, DmaAttributes attributes)
    {
        lock (_lock)
        {
            if (!_formats.HasDma || Begin(_formats.DmaMapScatter) is not { } record)
                return;
            var shown = FtraceWriter.Shown(segments);
            var shownMemory = FtraceWriter.Shown(memory);
            record.Text(device).Number((ulong)memory.Length).Number((ulong)shownMemory.Length)
                .Number((ulong)segments.Length).Number((ulong)shown.Length)
                .Number(shown.Length < segments.Length || shownMemory.Length < memory.Length ? 1u : 0)
                .Array(shownMemory, static block => block.Address.Value)
                .Array(shown, static segment => segment.Address.Value)
                .Array(shown, static segment => segment.Length)
                .Number((ulong)direction).Number((ulong)attributes);
            End();
        }
    }

    /// <inheritdoc/>
    public override void DmaMapScatterFailed(string device, DmaDirection direction, ReadOnlySpan<MemoryBlock> memory, Status status,
        DmaAttributes attributes)
    {
        lock (_lock)
        {
            if (!_formats.HasDma || Begin(_formats.DmaMapScatterFailed) is not { } record)
                return;
            record.Text(device).Array(FtraceWriter.Shown(memory), static block => block.Address.Value)
                .Number((ulong)(int)status).Number((ulong)direction).Number((ulong)attributes);
            End();
        }
    }

    /// <inheritdoc/>
    public override void DmaUnmapScatter(string device, DmaDirection direction, ReadOnlySpan<MemoryBlock> memory, DmaAttributes attributes)
    {
        lock (_lock)
        {
            if (!_formats.HasDma || Begin(_formats.DmaUnmapScatter) is not { } record)
                return;
            record.Text(device).Array(FtraceWriter.Shown(memory), static block => block.Address.Value)
                .Number((ulong)direction).Number((ulong)attributes);
            End();
        }
    }

    private void WriteMap(TraceEventFormat format, string device, DmaDirection direction, Iova address, ulong size,
        PhysicalAddress physical, DmaAttributes attributes)
    {
        if (_formats.HasDma)
        {
            Write(format, record => record.Text(device).Number(physical.Value).Number(address.Value).Number(size)
                .Number((ulong)direction).Number((ulong)attributes));
        }
    }

    private void WriteUnmap(TraceEventFormat format, string device, DmaDirection direction, Iova address, ulong size,
        DmaAttributes attributes)
    {
        if (_formats.HasDma)
        {
            Write(format, record => record.Text(device).Number(address.Value).Number(size).Number((ulong)direction)
                .Number((ulong)attributes));
        }
    }

    private static TraceRecord Coherent(TraceRecord record, string device, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes) => record.Text(device).Number(physical.Value).Number(address.Value).Number(size)
        .Number((ulong)DmaDirection.Bidirectional).Number((ulong)attributes);
}
