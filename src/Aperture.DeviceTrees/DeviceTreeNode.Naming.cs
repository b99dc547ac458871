using System.Globalization;

namespace Aperture.DeviceTrees;

// How Linux names the device of a node; known from the names in /sys/bus/platform/devices.
public sealed partial class DeviceTreeNode
{
    /// <summary>The device's name as Linux has it. A node whose first <c>reg</c> block translates: the CPU address in hexadecimal without
    /// <c>0x</c>, a dot, and the name without its unit address (<c>480bc000.isp</c>). Any other: its full name, behind the name of its
    /// parent by the same rule and a colon (<c>soc:pmu</c>,
    /// <c>4a002000.scm:clocks</c>); below the root its full name alone (<c>dsp</c>).</summary>
    public string DeviceName
    {
        get
        {
            var suffix = string.Empty;
            for (var node = this; node.Parent is not null; node = node.Parent)
            {
                if (node.Address is { } address)
                    return string.Create(CultureInfo.InvariantCulture,
                        $"{address.Value:x}.{node.BaseName}{(suffix.Length > 0 ? ":" : "")}{suffix}");
                suffix = suffix.Length == 0 ? node.Name : node.Name + ":" + suffix;
            }
            return suffix;
        }
    }
}
