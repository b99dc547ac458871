using Aperture.Devices;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Devices;

public class WaitingTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void Waiting_moves_a_clock_that_stands()
    {
        var time = new ManualTime();
        var fired = false;
        using var timer = time.CreateTimer(_ => fired = true, null, Step, Timeout.InfiniteTimeSpan);
        time.Wait(Step);
        Assert.True(fired);
        Assert.Equal(Step, time.GetElapsedTime(0));
    }

    [Fact]
    public void A_question_is_asked_until_the_limit_and_once_more()
    {
        var time = new ManualTime();
        var asked = new int[1];
        Assert.False(time.WaitUntil(asked, static asked => ++asked[0] > 100, Step, Step * 5));
        Assert.Equal(6, asked[0]);
        Assert.Equal(Step * 5, time.GetElapsedTime(0));
        Assert.True(time.WaitUntil(asked, static asked => ++asked[0] > 8, Step, Step * 5));
        Assert.Equal(Step * 7, time.GetElapsedTime(0));
        Assert.True(time.WaitUntil(asked, static _ => true, Step, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => time.WaitUntil(asked, static _ => true, TimeSpan.Zero, Step));
    }

    [Fact]
    public void Elsewhere_the_thread_sleeps()
    {
        var start = TimeProvider.System.GetTimestamp();
        TimeProvider.System.Wait(Step);
        Assert.True(TimeProvider.System.GetElapsedTime(start) > TimeSpan.Zero);
    }
}
