using Aperture.Drivers.Units;

namespace Aperture.Drivers.Tests.Units;

public class RegisterLockTests
{
    [Fact]
    public void One_thread_at_a_time_holds_it()
    {
        var held = new RegisterLock();
        var count = 0;
        Parallel.For(0, 4, _ =>
        {
            for (var i = 0; i < 50_000; i++)
            {
                using (held.Hold())
                using (held.Hold())
                    count++;
            }
        });
        Assert.Equal(200_000, count);
    }

    [Fact]
    public void It_is_held_until_it_was_let_go_as_often_as_it_was_taken()
    {
        var held = new RegisterLock();
        var order = new List<string>();
        using var isComing = new ManualResetEventSlim();
        Thread other;
        using (held.Hold())
        {
            using (held.Hold())
            {
                other = new Thread(() =>
                {
                    isComing.Set();
                    using (held.Hold())
                        order.Add("other");
                });
                other.Start();
            }

            isComing.Wait();
            for (var i = 0; i < 1000; i++)
                Thread.Yield(); // the other would get in here
            order.Add("first");
        }

        other.Join();
        Assert.Equal(["first", "other"], order);
    }

    [Fact]
    public void A_sequence_that_fails_lets_it_go()
    {
        var held = new RegisterLock();
        Assert.Throws<InvalidOperationException>((Action)Fail);
        var isTaken = false;
        var other = new Thread(() =>
        {
            using (held.Hold())
                isTaken = true;
        });
        other.Start();
        other.Join();
        Assert.True(isTaken);

        void Fail()
        {
            using (held.Hold())
                throw new InvalidOperationException();
        }
    }
}
