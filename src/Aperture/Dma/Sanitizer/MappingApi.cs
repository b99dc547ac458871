namespace Aperture.Dma.Sanitizer;

/// <summary>Which calls made a mapping.</summary>
public enum MappingApi
{
    /// <summary>A map of one piece of memory.</summary>
    Single,

    /// <summary>A piece of a scatterlist.</summary>
    Scatter,

    /// <summary>A coherent allocation.</summary>
    Coherent,

    /// <summary>A resource: registers, or a peer's memory.</summary>
    Resource,

    /// <summary>An allocation of pages that has to be synced.</summary>
    Pages,

    /// <summary>A small block of coherent memory.</summary>
    Block,
}
