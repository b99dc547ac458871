namespace Aperture.DeviceTrees;

/// <summary>Looks a name up in a short list.</summary>
internal static class NameScan
{
    internal static bool ContainsName(this ReadOnlySpan<DeviceTreeProperty> properties, string name)
    {
        foreach (var property in properties)
        {
            if (property.Name == name)
                return true;
        }
        return false;
    }

    internal static bool ContainsName(this ReadOnlySpan<DeviceTreeNode> nodes, string name)
    {
        foreach (var node in nodes)
        {
            if (node.Name == name)
                return true;
        }
        return false;
    }
}
