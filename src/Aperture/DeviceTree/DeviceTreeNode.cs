namespace Aperture.DeviceTree;
/// <summary>placeholder</summary>
public sealed class DeviceTreeNode { }
