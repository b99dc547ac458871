using System.Diagnostics.CodeAnalysis;
using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

// Groups follow from the descriptions of all masters of the machine, bound or not. They are formed anew when somebody looks after a
// description
// came or went; a group that is in use keeps its masters until they are released, as its domain is in force for all of them.
public sealed partial class IommuCore
{
    private readonly Dictionary<object, MasterGrouping> _groupings = [];        // of units, by their devices' keys
    private readonly Dictionary<Device, DescribedMaster> _described = [];       // by device
    private readonly List<DescribedMaster> _descriptions = [];                  // the same in order of arrival, which numbers the groups
    private volatile DescribedMaster[] _all = [];                               // the same, for who holds locks
    private volatile bool _isUnsettled;                                         // the groups do not follow from the descriptions any more
    private bool _isHeldUp;                                                     // a group in use kept them from following

    /// <summary>Makes a master known: from now on it counts for the groups, bound or not. Does nothing for a device whose DMA passes no
    /// unit, or that is known.</summary>
    public void AddMaster(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            if (device.Description.Identity.Units.Count > 0)
                Describe(device, device.Description.Identity, false);
            AssertInvariants();
        }
    }

    /// <summary>Takes a master out: it left the machine. Those that were in one group only because of it are told apart from now on, once
    /// they were released.</summary>
    public void RemoveMaster(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            try
            {
                Release(device);
            }
            finally
            {
                Forget(device);
                AssertInvariants();
            }
        }
    }

    private void Forget(Device device)
    {
        if (!_described.Remove(device, out var master))
            return;
        _descriptions.Remove(master);
        _all = [.. _descriptions];
        _isUnsettled = true;
    }

    /// <summary>Says which masters a unit cannot tell apart, before the unit is registered.</summary>
    /// <param name="unit">The <see cref="Device.Key"/> of the unit's device.</param>
    /// <param name="grouping">Its rule; null when the unit left the machine.</param>
    public void SetGrouping(object unit, MasterGrouping? grouping)
    {
        ArgumentNullException.ThrowIfNull(unit);
        lock (_configuring)
        {
            if (ReferenceEquals(_groupings.GetValueOrDefault(unit), grouping))
                return;
            if (grouping is null)
                _groupings.Remove(unit);
            else
                _groupings[unit] = grouping;
            foreach (var master in _descriptions)
            {
                if (master.Identity.Units.Any(reference => reference.Unit.Equals(unit)))
                    FindKeys(master);
            }
        }
    }

    /// <summary>Groups were formed by what the unit's driver said; what the unit says itself must come to the same for the masters that
    /// there are.</summary>
    private void CheckGrouping(IommuUnit unit)
    {
        if (!_groupings.TryGetValue(unit.Device.Key, out var told))
            return;
        var own = unit.Grouping;
        (Device Device, HashSet<object> Told, HashSet<object> Own)[] masters =
        [
            .. from master in _descriptions
               let references = master.Identity.Units.Where(reference => reference.Unit.Equals(unit.Device.Key)).ToArray()
               where references.Length > 0
               select (master.Device, KeysOf(told, master, references), KeysOf(own, master, references)),
        ];
        for (var i = 0; i < masters.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var isTold = masters[i].Told.Overlaps(masters[j].Told);
                if (isTold == masters[i].Own.Overlaps(masters[j].Own))
                    continue;
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"IOMMU {unit.Name} says that it {(isTold ? "can" : "cannot")} tell {masters[j].Device.Name} "
                    + $"from {masters[i].Device.Name}, and its driver said the opposite before it was probed (GroupingOf)");
            }
        }

        static HashSet<object> KeysOf(MasterGrouping grouping, DescribedMaster master, IommuSpecifier[] references) =>
            [.. references.SelectMany(reference => grouping.KeysOf(master.Device, reference))];
    }

    /// <summary>The group of a described master.</summary>
    /// <returns>False when the device is no master, or cannot be in a group now: see <see cref="Configure(Device, bool)"/>.</returns>
    public bool TryFindGroup(Device device, [NotNullWhen(true)] out IommuGroup? group)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            Settle();
            group = _described.GetValueOrDefault(device)?.Group;
            return group is not null;
        }
    }

    /// <summary>All masters that were described as behind a unit, bound or not. Takes no lock.</summary>
    internal IEnumerable<Device> MastersOf(IommuUnit unit)
    {
        var key = unit.Device.Key;
        return _all.Where(master => master.Identity.Units.Any(reference => reference.Unit.Equals(key))).Select(master => master.Device);
    }

    /// <summary>A group's owner has let it go.</summary>
    internal void OwnerGone() => _isUnsettled = true;

    private DescribedMaster Describe(Device device, MasterIdentity identity, bool isForOneStay)
    {
        if (_described.TryGetValue(device, out var known))
            return known;
        var master = new DescribedMaster(device, identity, isForOneStay);
        _described.Add(device, master);
        _descriptions.Add(master);
        _all = [.. _descriptions];
        FindKeys(master);
        foreach (var unit in UnitsOf(identity))
            unit.Meet(device); // after it can be found: a unit that fails at this moment stops it or is met here
        return master;
    }

    /// <summary>The units behind which a master is, as far as they are there or failed before they went.</summary>
    private IommuUnit[] UnitsOf(MasterIdentity identity)
    {
        lock (_lock)
        {
            var keys = identity.Units.Select(reference => reference.Unit).Distinct();
            return [.. keys.Select(key => _units.GetValueOrDefault(key) ?? _failed.GetValueOrDefault(key)).OfType<IommuUnit>()];
        }
    }

    private void FindKeys(DescribedMaster master)
    {
        master.Keys.Clear();
        master.Keys.UnionWith(master.Identity.GroupKeys);
        foreach (var reference in master.Identity.Units)
        {
            var grouping = _groupings.GetValueOrDefault(reference.Unit, MasterGrouping.ByReference);
            master.Keys.UnionWith(grouping.KeysOf(master.Device, reference));
        }

        _isUnsettled = true;
    }

    /// <summary>Forms the groups, if a description changed since.</summary>
    private void Settle()
    {
        if (!_isUnsettled)
            return;
        (_isUnsettled, _isHeldUp) = (false, false);
        var sets = Connected();
        var places = new IommuGroup?[sets.Count];
        var kept = new HashSet<IommuGroup>();
        for (var i = 0; i < sets.Count; i++)
            places[i] = Present(sets[i], kept);

        lock (_lock)
        {
            foreach (var group in _groups.Values.Where(group => !kept.Contains(group)).ToArray())
                _groups.Remove(group.Id);
            for (var i = 0; i < sets.Count; i++)
            {
                var isRefused = places[i] is null && sets[i].Exists(master => master.IsAttached);
                var place = places[i] ?? (isRefused ? null : NewGroup());
                foreach (var master in sets[i].Where(master => !master.IsAttached))
                    master.Group = place;
            }

            foreach (var group in _groups.Values)
                group.SetMembers([.. _descriptions.Where(master => master.Group == group)]);
        }
    }

    /// <summary>The masters in sets that share keys, each set and all of them in order of arrival.</summary>
    private List<List<DescribedMaster>> Connected()
    {
        var leaders = new int[_descriptions.Count]; // an earlier master of the same set; the first leads itself
        var holders = new Dictionary<object, int>(); // who had a key first
        for (var i = 0; i < leaders.Length; i++)
        {
            leaders[i] = i;
            foreach (var key in _descriptions[i].Keys)
            {
                if (!holders.TryAdd(key, i))
                    Join(Leader(holders[key]), Leader(i));
            }
        }

        var sets = new List<List<DescribedMaster>>();
        var numbers = new Dictionary<int, int>(); // of the sets, by leader
        for (var i = 0; i < leaders.Length; i++)
        {
            if (numbers.TryAdd(Leader(i), sets.Count))
                sets.Add([]);
            sets[numbers[Leader(i)]].Add(_descriptions[i]);
        }

        return sets;

        int Leader(int at)
        {
            while (leaders[at] != at)
                at = leaders[at] = leaders[leaders[at]];
            return at;
        }

        void Join(int one, int other) => leaders[Math.Max(one, other)] = Math.Min(one, other);
    }

    /// <summary>The group that a set has already, or null: then it gets a new one, unless several of its groups are in use, which cannot
    /// become one.</summary>
    private IommuGroup? Present(List<DescribedMaster> set, HashSet<IommuGroup> kept)
    {
        var bound = set.Where(master => master.Group is { } group && (master.IsAttached || group.IsHeldForOwner));
        IommuGroup[] used = [.. bound.Select(master => master.Group!).Distinct()];
        kept.UnionWith(used);
        if (used.Length > 0)
        {
            // Members that are in use elsewhere, and foreigners that are in use here, go where they belong once they were released.
            _isHeldUp |= used.Length > 1
                || used[0].Masters.Any(master => !set.Exists(other => other.Device == master.Device))
                || !set.Exists(master => master.IsAttached);
            return used.Length == 1 ? used[0] : null;
        }

        var group = set[0].Group;
        if (group is null || !group.Members.ToHashSet().SetEquals(set.Select(master => master.Device)))
            return null;
        kept.Add(group);
        return group;
    }

    private IommuGroup NewGroup()
    {
        var id = 0;
        while (_groups.ContainsKey(id))
            id++;
        var group = new IommuGroup(id, this);
        _groups.Add(id, group);
        return group;
    }

    /// <summary>Why a master is in no group.</summary>
    private ApertureException Refused(DescribedMaster master)
    {
        var set = Connected().Find(set => set.Contains(master))!;
        var used = set.Where(other => other.IsAttached).Select(other => other.Group!).Distinct().OrderBy(group => group.Id);
        return new ApertureException(
            Status.InvalidArgument,
            $"{master.Device.Name} cannot be told apart from masters of groups {string.Join(" and ", used.Select(Name))}, "
            + "which were in use before it was described: unbind those of all but one, and bind it again");

        static string Name(IommuGroup group) => $"{group.Id} ({string.Join(", ", group.Masters.Select(other => other.Device.Name))})";
    }
}
