using Aperture.Core;
using Aperture.Power;

namespace Aperture.Tests.Power;

public class GateTests
{
    [Fact]
    public void Feeding_gate_comes_first_and_goes_last()
    {
        var seen = new List<string>();
        var parent = new Gate(GateKind.Clock, "pll");
        var gate = new Gate(GateKind.Clock, "div", parent);
        parent.Changed += on => seen.Add($"pll {on}");
        gate.Changed += on => seen.Add($"div {on}");
        gate.Enable();
        gate.Enable();
        Assert.Equal(2, gate.UseCount);
        gate.Disable();
        gate.Disable();
        Assert.Equal(["pll True", "div True", "div False", "pll False"], seen);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(gate.Disable).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Failure_on_the_way_leaves_everything_off(bool parentFails)
    {
        var parent = new Gate(GateKind.PowerDomain, "core");
        var gate = new Gate(GateKind.PowerDomain, "cam", parent);
        (parentFails ? parent : gate).Changed += _ => throw new ApertureException(Status.IoError, "stuck");
        Assert.ThrowsAny<Exception>(gate.Enable);
        Assert.False(gate.IsOn);
        Assert.False(parent.IsOn);
    }

    [Fact]
    public void Who_heard_of_a_switch_before_one_who_threw_was_left_with_it_and_who_came_after_did_not_hear()
    {
        var gate = new Gate(GateKind.PowerDomain, "cam");
        var (before, after) = (new List<bool>(), new List<bool>());
        var isBroken = true;
        gate.Changed += before.Add;
        gate.Changed += _ =>
        {
            if (isBroken)
                throw new ApertureException(Status.IoError, "stuck");
        };
        gate.Changed += after.Add;
        Assert.Throws<AggregateException>(gate.Enable); // on, and off again
        Assert.False(gate.IsOn);
        Assert.Equal([true, false], before);
        Assert.Equal([true, false], after);
        isBroken = false;
        gate.Enable();
        isBroken = true;
        Assert.Throws<ApertureException>(gate.Disable);
        Assert.False(gate.IsOn);
        Assert.Equal([true, false, true, false], after);
    }
}
