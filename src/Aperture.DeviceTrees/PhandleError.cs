namespace Aperture.DeviceTrees;

/// <summary>What is wrong with an entry of a list of references.</summary>
public enum PhandleError
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The phandle is zero: the entry is left out on purpose.</summary>
    Empty,

    /// <summary>No node has the phandle. What follows in the list cannot be read.</summary>
    Unresolved,

    /// <summary>The node has no property that says how many arguments follow. What follows in the list cannot be read.</summary>
    NoCells,

    /// <summary>The node asks for more than <see cref="PhandleReference.MaximumArguments"/> arguments.</summary>
    TooManyCells,

    /// <summary>The list ends before the last argument, or not at a whole cell.</summary>
    Truncated,
}
