using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>What a kind of IOMMU sees of a tree when it checks one of its units.</summary>
public sealed class UnitCheck
{
    private readonly CheckContext _context;

    internal UnitCheck(CheckContext context, DeviceTreeNode node)
    {
        _context = context;
        Node = node;
    }

    /// <summary>The unit's node.</summary>
    public DeviceTreeNode Node { get; }

    /// <summary>The enabled masters that refer to the unit in <c>iommus</c>, in the tree's order.</summary>
    public IEnumerable<DeviceTreeNode> Masters =>
        _context.Masters.Where(master => master.IsPresent && master.Iommus().Any(reference => reference.Target == Node));

    /// <summary>Reports an error of the unit's node; a warning where the node is disabled.</summary>
    /// <param name="code">One of <see cref="FindingCode"/>, or one of your own.</param>
    /// <param name="message">One line: what is wrong, and what to do about it.</param>
    public void Problem(string code, string message) => _context.Problem(code, Node, message);
}
