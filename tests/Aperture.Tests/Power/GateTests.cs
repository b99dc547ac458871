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
        Assert.Throws<ApertureException>(gate.Enable);
        Assert.False(gate.IsOn);
        Assert.False(parent.IsOn);
    }
}
