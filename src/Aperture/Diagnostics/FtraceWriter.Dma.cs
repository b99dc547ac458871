using System.Globalization;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Diagnostics;

// The events of trace system "dma".
public sealed partial class FtraceWriter
{
    // Arrays are cut behind this many entries.
    private const int TracedEntries = 128;

    // How many of the names kernels before 6.18 know; the others print as numbers there.
    private const int OldAttributes = 9;

    // In the order of their bits, which is the order of printing.
    private static readonly string[] s_attributes =
    [
        "WEAK_ORDERING", "WRITE_COMBINE", "", "NO_KERNEL_MAPPING", "SKIP_CPU_SYNC", "FORCE_CONTIGUOUS", "ALLOC_SINGLE_PAGES", "NO_WARN",
        "PRIVILEGED", "MMIO", "DEBUGGING_IGNORE_CACHELINES", "REQUIRE_COHERENT", "CC_SHARED",
    ];

    /// <inheritdoc/>
    public override void DmaMap(string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes) =>
        WriteMap(_isPhysical ? "dma_map_phys" : "dma_map_page", device, direction, address, size, physical, attributes);

    /// <inheritdoc/>
    public override void DmaMapResource(string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes) =>
        WriteMap(_isPhysical ? "dma_map_phys" : "dma_map_resource", device, direction, address, size, physical,
            OfResource(_kernel, attributes));

    /// <inheritdoc/>
    public override void DmaUnmapResource(string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes) =>
        WriteUnmap(_isPhysical ? "dma_unmap_phys" : "dma_unmap_resource", device, direction, address, size,
            OfResource(_kernel, attributes));

    /// <inheritdoc/>
    public override void DmaBounced(string device, Iova mask, Iova address, ulong size, bool isForced) =>
        Write("swiotlb_bounced",
            $"dev_name: {device} dma_mask={mask.Value:x} dev_addr={address.Value:x} size={size} {(isForced ? "FORCE" : "NORMAL")}");

    /// <inheritdoc/>
    public override void DmaUnmap(string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes) =>
        WriteUnmap(_isPhysical ? "dma_unmap_phys" : "dma_unmap_page", device, direction, address, size, attributes);

    /// <inheritdoc/>
    public override void DmaAllocate(string device, Iova address, ulong size, PhysicalAddress physical, DmaAttributes attributes) =>
        Write("dma_alloc", $"{Coherent(device, address, size, physical)} flags=GFP_KERNEL attrs={Name(attributes)}");

    /// <inheritdoc/>
    public override void DmaFree(string device, Iova address, ulong size, PhysicalAddress physical, DmaAttributes attributes) =>
        Write("dma_free", $"{Coherent(device, address, size, physical)} attrs={Name(attributes)}");

    /// <inheritdoc/>
    public override void DmaMapScatter(string device, DmaDirection direction, ReadOnlySpan<DmaSegment> segments,
        ReadOnlySpan<MemoryBlock> memory, DmaAttributes attributes)
    {
        lock (_lock)
        {
            Begin("dma_map_sg");
            _line.Append(
                CultureInfo.InvariantCulture,
                $"{device} dir={Name(direction)} nents={Math.Min(memory.Length, TracedEntries)}/{memory.Length} " +
                    $"ents={Math.Min(segments.Length, TracedEntries)}/{segments.Length}");
            if (memory.Length > TracedEntries || segments.Length > TracedEntries)
                _line.Append(" [TRUNCATED]");
            _line.Append(" dma_addrs=");
            Array(segments, static segment => segment.Address.Value);
            _line.Append(" sizes=");
            Array(segments, static segment => segment.Length);
            _line.Append(" phys_addrs=");
            Array(memory, static block => block.Address.Value);
            _line.Append(" attrs=").Append(Name(attributes));
            End();
        }
    }

    /// <inheritdoc/>
    public override void DmaMapScatterFailed(string device, DmaDirection direction, ReadOnlySpan<MemoryBlock> memory, Status status,
        DmaAttributes attributes)
    {
        lock (_lock)
        {
            // The label says device addresses; the values are physical ones there too.
            Begin("dma_map_sg_err");
            _line.Append(CultureInfo.InvariantCulture, $"{device} dir={Name(direction)} dma_addrs=");
            Array(memory, static block => block.Address.Value);
            _line.Append(CultureInfo.InvariantCulture, $" err={(int)status} attrs={Name(attributes)}");
            End();
        }
    }

    /// <inheritdoc/>
    public override void DmaUnmapScatter(string device, DmaDirection direction, ReadOnlySpan<MemoryBlock> memory, DmaAttributes attributes)
    {
        lock (_lock)
        {
            Begin("dma_unmap_sg");
            _line.Append(CultureInfo.InvariantCulture, $"{device} dir={Name(direction)} phys_addrs=");
            Array(memory, static block => block.Address.Value);
            _line.Append(" attrs=").Append(Name(attributes));
            End();
        }
    }

    private void WriteMap(string name, string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes) =>
        Write(name,
            $"{device} dir={Name(direction)} dma_addr={address.Value:x} size={size} phys_addr={physical.Value:x} attrs={Name(attributes)}");

    private void WriteUnmap(string name, string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes) =>
        Write(name, $"{device} dir={Name(direction)} dma_addr={address.Value:x} size={size} attrs={Name(attributes)}");

    /// <summary>What a kernel prints for registers: before 6.18 the event says what they are, since then the attribute.</summary>
    internal static DmaAttributes OfResource(TraceKernel kernel, DmaAttributes attributes) =>
        kernel == TraceKernel.Linux618 ? attributes | DmaAttributes.Mmio : attributes & ~DmaAttributes.Mmio;

    /// <summary>The attributes that a kernel has names for, in the order in which it prints them.</summary>
    internal static IEnumerable<(uint Bit, string Name)> AttributeBits(TraceKernel kernel) => s_attributes
        .Take(kernel == TraceKernel.Linux618 ? s_attributes.Length : OldAttributes)
        .Select((name, i) => (2u << i, name)).Where(pair => pair.name.Length > 0);

    /// <summary>The entries of a list that are traced.</summary>
    internal static ReadOnlySpan<T> Shown<T>(ReadOnlySpan<T> items) => items[..Math.Min(items.Length, TracedEntries)];

    private void Array<T>(ReadOnlySpan<T> items, Func<T, ulong> value)
    {
        _line.Append('{');
        for (var i = 0; i < Math.Min(items.Length, TracedEntries); i++)
            _line.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}0x{value(items[i]):x}");
        _line.Append('}');
    }

    private static string Coherent(string device, Iova address, ulong size, PhysicalAddress physical) => string.Create(
        CultureInfo.InvariantCulture,
        $"{device} dir=BIDIRECTIONAL dma_addr={address.Value:x} size={size} virt_addr={physical.Value:x16}");

    private static string Name(DmaDirection direction) => direction switch
    {
        DmaDirection.Bidirectional => "BIDIRECTIONAL",
        DmaDirection.ToDevice => "TO_DEVICE",
        DmaDirection.FromDevice => "FROM_DEVICE",
        _ => "NONE",
    };

    private string Name(DmaAttributes attributes)
    {
        if (attributes == DmaAttributes.None)
            return "";
        var names = new List<string>();
        var left = (uint)attributes;
        foreach (var (bit, name) in AttributeBits(_kernel))
        {
            if ((left & bit) == 0)
                continue;
            names.Add(name);
            left &= ~bit;
        }

        if (left != 0)
            names.Add(string.Create(CultureInfo.InvariantCulture, $"0x{left:x}"));
        return string.Join('|', names);
    }
}
