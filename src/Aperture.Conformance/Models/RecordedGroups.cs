using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Models;

/// <summary>What a recording says of groups. Recorded drivers are asked to attach a master; that a group moves as a whole is the
/// business of a layer above them, which is not in the recordings.</summary>
public static class RecordedGroups
{
    /// <summary>Whether a master is attached that has others beside it in its group.</summary>
    public static bool AreSplit(VectorFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var groups = file.Events.Where(line => line.Call == "device_group").GroupBy(line => line.Number("group"), line => line.Text("dev"));
        var together = groups.Where(group => group.Distinct().Count() > 1).SelectMany(group => group).ToHashSet();
        return file.Events.Any(line => line.Call == "attach_dev" && together.Contains(line.Text("dev")));
    }
}
