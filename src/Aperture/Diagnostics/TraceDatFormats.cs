namespace Aperture.Diagnostics;

/// <summary>The events of a <c>trace.dat</c>. Names of events and fields, and what is printed, are those that kernels show in their trace
/// file
/// systems; <c>virt_addr</c> is printed with all its digits.</summary>
internal sealed class TraceDatFormats
{
    private const string Directions =
        "__print_symbolic(REC->dir, {0, \"BIDIRECTIONAL\"}, {1, \"TO_DEVICE\"}, {2, \"FROM_DEVICE\"}, {3, \"NONE\"})";

    /// <summary>GFP_KERNEL, which every allocation here has.</summary>
    public const uint KernelFlags = 0xCC0;

    private static readonly TraceField s_device = new("char", "device", 1, IsDynamic: true);
    private static readonly TraceField s_direction = new("int", "dir", 4, IsSigned: true);
    private static readonly TraceField s_attributes = new("unsigned long", "attrs", 8);

    private readonly List<TraceEventFormat> _all = [];

    /// <summary>The events as a kernel has them.</summary>
    public TraceDatFormats(TraceKernel kernel)
    {
        var attributes = $"__print_flags(REC->attrs, \"|\", {string.Join(", ", FtraceWriter.AttributeBits(kernel)
            .Select(pair => FormattableString.Invariant($"{{0x{pair.Bit:x}, \"{pair.Name}\"}}")))})";
        AddDevice = New("iommu", "add_device_to_group", "\"IOMMU: groupID=%d device=%s\", REC->gid, __get_str(device)",
            new("int", "gid", 4, IsSigned: true), s_device);
        RemoveDevice = New("iommu", "remove_device_from_group", "\"IOMMU: groupID=%d device=%s\", REC->gid, __get_str(device)",
            new("int", "gid", 4, IsSigned: true), s_device);
        Attach = New("iommu", "attach_device_to_domain", "\"IOMMU: device=%s\", __get_str(device)", s_device);
        Map = New("iommu", "map",
            "\"IOMMU: iova=0x%016llx - 0x%016llx paddr=0x%016llx size=%llu\", REC->iova, REC->iova + REC->size, REC->paddr, REC->size",
            U64("iova"), U64("paddr"), U64("size"));
        Unmap = New("iommu", "unmap",
            "\"IOMMU: iova=0x%016llx - 0x%016llx size=%llu unmapped_size=%llu\", REC->iova, REC->iova + REC->size, REC->size, "
                + "REC->unmapped_size",
            U64("iova"), U64("size"), U64("unmapped_size"));
        Fault = New("iommu", "io_page_fault",
            "\"IOMMU:%s %s iova=0x%016llx flags=0x%04x\", __get_str(driver), __get_str(device), REC->iova, REC->flags",
            s_device, new("char", "driver", 1, IsDynamic: true), U64("iova"), new("int", "flags", 4, IsSigned: true));
        Bounced = New("swiotlb", "swiotlb_bounced",
            "\"dev_name: %s dma_mask=%llx dev_addr=%llx size=%llu %s\", __get_str(dev_name), REC->dma_mask, REC->dev_addr, REC->size, "
                + "REC->force ? \"FORCE\" : \"NORMAL\"",
            new("char", "dev_name", 1, IsDynamic: true), U64("dma_mask"), U64("dev_addr"), U64("size"), new("unsigned char", "force", 1));
        if (kernel == TraceKernel.Linux61)
            return;
        HasDma = true;
        var map = $"\"%s dir=%s dma_addr=%llx size=%llu phys_addr=%llx attrs=%s\", __get_str(device), {Directions}, REC->dma_addr, "
            + $"REC->size, REC->phys_addr, {attributes}";
        var unmap = $"\"%s dir=%s dma_addr=%llx size=%llu attrs=%s\", __get_str(device), {Directions}, REC->addr, REC->size, {attributes}";
        TraceField[] mapFields = [s_device, U64("phys_addr"), U64("dma_addr"), U64("size"), s_direction, s_attributes];
        TraceField[] unmapFields = [s_device, U64("addr"), U64("size"), s_direction, s_attributes];
        var isPhysical = kernel == TraceKernel.Linux618;
        DmaMap = New("dma", isPhysical ? "dma_map_phys" : "dma_map_page", map, mapFields);
        DmaUnmap = New("dma", isPhysical ? "dma_unmap_phys" : "dma_unmap_page", unmap, unmapFields);
        DmaMapResource = isPhysical ? DmaMap : New("dma", "dma_map_resource", map, mapFields);
        DmaUnmapResource = isPhysical ? DmaUnmap : New("dma", "dma_unmap_resource", unmap, unmapFields);
        var coherent = $"\"%s dir=%s dma_addr=%llx size=%llu virt_addr=%016llx{{0}} attrs=%s\", __get_str(device), {Directions}, "
            + $"REC->dma_addr, REC->size, REC->virt_addr, {{1}}{attributes}";
        TraceField[] coherentFields = [s_device, U64("virt_addr"), U64("dma_addr"), U64("size"), s_direction, s_attributes];
        DmaAllocate = New("dma", "dma_alloc",
            coherent.Replace("{0}", " flags=%s", StringComparison.Ordinal).Replace("{1}", FormattableString.Invariant(
                $"__print_flags(REC->flags, \"|\", {{0x{KernelFlags:x}, \"GFP_KERNEL\"}}), "), StringComparison.Ordinal),
            [.. coherentFields, new("unsigned int", "flags", 4)]);
        DmaFree = New("dma", "dma_free", coherent.Replace("{0}", "", StringComparison.Ordinal).Replace("{1}", "", StringComparison.Ordinal),
            coherentFields);
        DmaMapScatter = New("dma", "dma_map_sg",
            $"\"%s dir=%s nents=%d/%d ents=%d/%d%s dma_addrs=%s sizes=%s phys_addrs=%s attrs=%s\", __get_str(device), {Directions}, "
                + "REC->nents, REC->full_nents, REC->ents, REC->full_ents, REC->truncated ? \" [TRUNCATED]\" : \"\", "
                + $"{Array("dma_addrs", 8)}, {Array("lengths", 4)}, {Array("phys_addrs", 8)}, {attributes}",
            s_device, Int("full_nents"), Int("nents"), Int("full_ents"), Int("ents"), new("unsigned char", "truncated", 1),
            U64s("phys_addrs"), U64s("dma_addrs"), new("unsigned int", "lengths", 4, IsDynamic: true), s_direction, s_attributes);
        DmaMapScatterFailed = New("dma", "dma_map_sg_err",
            $"\"%s dir=%s dma_addrs=%s err=%d attrs=%s\", __get_str(device), {Directions}, {Array("phys_addrs", 8)}, REC->err, "
                + attributes,
            s_device, U64s("phys_addrs"), Int("err"), s_direction, s_attributes);
        DmaUnmapScatter = New("dma", "dma_unmap_sg",
            $"\"%s dir=%s phys_addrs=%s attrs=%s\", __get_str(device), {Directions}, {Array("addrs", 8)}, {attributes}",
            s_device, U64s("addrs"), s_direction, s_attributes);
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<TraceEventFormat> All => _all;

    /// <summary>Whether the kernel has events of the DMA API.</summary>
    public bool HasDma { get; }

    public TraceEventFormat AddDevice { get; }

    public TraceEventFormat RemoveDevice { get; }

    public TraceEventFormat Attach { get; }

    public TraceEventFormat Map { get; }

    public TraceEventFormat Unmap { get; }

    public TraceEventFormat Fault { get; }

    public TraceEventFormat Bounced { get; }

    // Those of the DMA API: set where HasDma.
    public TraceEventFormat DmaMap { get; } = null!;

    public TraceEventFormat DmaUnmap { get; } = null!;

    public TraceEventFormat DmaMapResource { get; } = null!;

    public TraceEventFormat DmaUnmapResource { get; } = null!;

    public TraceEventFormat DmaAllocate { get; } = null!;

    public TraceEventFormat DmaFree { get; } = null!;

    public TraceEventFormat DmaMapScatter { get; } = null!;

    public TraceEventFormat DmaMapScatterFailed { get; } = null!;

    public TraceEventFormat DmaUnmapScatter { get; } = null!;

    private static TraceField U64(string name) => new("u64", name, 8);

    private static TraceField U64s(string name) => new("u64", name, 8, IsDynamic: true);

    private static TraceField Int(string name) => new("int", name, 4, IsSigned: true);

    private static string Array(string name, int size) => FormattableString.Invariant(
        $"__print_array(__get_dynamic_array({name}), __get_dynamic_array_len({name}) / {size}, {size})");

    private TraceEventFormat New(string system, string name, string print, params TraceField[] fields)
    {
        const ushort first = 300; // numbers of events are a file's own
        var format = new TraceEventFormat((ushort)(first + _all.Count), system, name, print, fields);
        _all.Add(format);
        return format;
    }
}
