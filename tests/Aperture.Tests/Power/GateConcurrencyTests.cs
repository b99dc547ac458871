using Aperture.Power;

namespace Aperture.Tests.Power;

public class GateConcurrencyTests
{
    [Fact]
    public void Who_holds_a_gate_finds_it_on_and_each_switch_is_seen_in_order()
    {
        var isRunning = false;
        var outOfOrder = 0;
        var foundOff = 0;
        var gate = new Gate(GateKind.Clock, "pclk");
        gate.Changed += on =>
        {
            if (Volatile.Read(ref isRunning) == on)
                Interlocked.Increment(ref outOfOrder);
            Volatile.Write(ref isRunning, on);
        };

        Parallel.For(0, 4, _ =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                gate.Enable();
                if (!Volatile.Read(ref isRunning) || !gate.IsOn)
                    Interlocked.Increment(ref foundOff);
                gate.Disable();
            }
        });

        Assert.Equal((0, 0), (outOfOrder, foundOff));
        Assert.Equal((false, 0), (gate.IsOn, gate.UseCount));
    }
}
