using Aperture.Devices;

namespace Aperture.Tests.Devices;

/// <summary>Polling a line calls its handlers once, whatever the level.</summary>
public class InterruptPollTests
{
    [Fact]
    public void Polling_calls_each_handler_once_and_says_whether_one_handled()
    {
        var line = new Interrupt("test");
        var calls = 0;
        using var first = line.Request(() => Count(InterruptResult.None));
        Assert.Equal(InterruptResult.None, line.Poll());
        using var second = line.Request(() => Count(InterruptResult.Handled));
        Assert.Equal(InterruptResult.Handled, line.Poll());
        Assert.Equal(3, calls);

        InterruptResult Count(InterruptResult result)
        {
            calls++;
            return result;
        }
    }

    [Fact]
    public void A_level_raised_while_polling_is_served_afterwards()
    {
        var line = new Interrupt("test");
        var calls = 0;
        using var handler = line.Request(() =>
        {
            line.SetLevel(++calls == 1);
            return InterruptResult.Handled;
        });
        Assert.Equal(InterruptResult.Handled, line.Poll());
        Assert.Equal(2, calls);
    }
}
