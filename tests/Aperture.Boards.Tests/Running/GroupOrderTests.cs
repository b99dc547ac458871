using Aperture.Devices;

namespace Aperture.Boards.Tests.Running;

/// <summary>Groups and their numbers are the tree's, whatever the order in which devices come and are bound.</summary>
public class GroupOrderTests
{
    [Theory]
    [InlineData("exynos4412-media")]
    [InlineData("tegra124-media")]
    [InlineData("apq8064-media")]
    [InlineData("dra7-dsp")]
    public void Numbers_of_groups_followed_the_order_of_binding(string board)
    {
        string? expected = null;
        for (var seed = 0; seed < 8; seed++)
        {
            using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { ShuffleSeed = seed == 0 ? null : seed });
            var groups = Groups(machine);
            expected ??= groups;
            Assert.Equal(expected, groups);

            // Everybody goes, in some order, and comes back in another one.
            var random = new Random(seed);
            var masters = machine.Masters.Select(master => master.Device).OfType<Device>().ToArray();
            random.Shuffle(masters);
            foreach (var master in masters)
                machine.Drivers.Unbind(master);
            Assert.Equal(expected, Groups(machine));
            random.Shuffle(masters);
            foreach (var master in masters)
                Assert.True(machine.Drivers.Bind(master));
            Assert.Equal(expected, Groups(machine));
            Assert.All(masters, master => Assert.Contains(master, master.Iommu!.Group.Members));
        }
    }

    private static string Groups(Machine machine) => string.Join(
        " | ", machine.Iommu.Groups.Select(group => $"{group.Id}: {string.Join(' ', group.Members.Select(member => member.Name))}"));
}
