namespace Aperture.Datasheets.Arm;

/// <summary>The memory attributes that an access gets by its translation.</summary>
/// <param name="Type">The kind of memory.</param>
/// <param name="Inner">Inner cache policy of normal memory.</param>
/// <param name="Outer">Outer cache policy of normal memory.</param>
/// <param name="IsShareable">Whether it is shareable.</param>
/// <param name="IsInnerOnly">Whether shareable memory is inner shareable only.</param>
public readonly record struct ArmMemoryAttributes(ArmMemoryType Type, ArmCachePolicy Inner, ArmCachePolicy Outer, bool IsShareable,
    bool IsInnerOnly)
{
    /// <summary>The attributes without TEX remap (SCTLR.TRE clear). Reserved encodings count as strongly ordered.</summary>
    public static ArmMemoryAttributes Of(ArmPageAttributes page)
    {
        var policy = (page.IsCacheable ? 2u : 0) | (page.IsBufferable ? 1u : 0);
        if (page.TypeExtension >= 4)
            return new(ArmMemoryType.Normal, (ArmCachePolicy)policy, (ArmCachePolicy)(page.TypeExtension & 3), page.IsShareable, false);
        var both = (page.TypeExtension, policy) switch
        {
            (0, 2) => ArmCachePolicy.WriteThrough,
            (0, 3) => ArmCachePolicy.WriteBack,
            (1, 0) => ArmCachePolicy.None,
            (1, 3) => ArmCachePolicy.WriteBackWriteAllocate,
            _ => (ArmCachePolicy?)null,
        };
        if (both is { } cached)
            return new(ArmMemoryType.Normal, cached, cached, page.IsShareable, false);
        return (page.TypeExtension, policy) switch
        {
            (0, 1) => new(ArmMemoryType.Device, default, default, true, false),
            (2, 0) => new(ArmMemoryType.Device, default, default, false, false),
            _ => new(ArmMemoryType.StronglyOrdered, default, default, true, false),
        };
    }

    /// <summary>The inner attribute as PAR[6:4] gives it: 0 not cached, 1 strongly ordered, 3 device, 5 to 7 cached.</summary>
    public uint InnerCode => Type switch
    {
        ArmMemoryType.StronglyOrdered => 1,
        ArmMemoryType.Device => 3,
        _ => Inner == ArmCachePolicy.None ? 0 : 4 + (uint)Inner,
    };
}
