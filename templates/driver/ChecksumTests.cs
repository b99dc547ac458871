using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Core;
using Aperture.Dma.Sanitizer;
using Xunit;

namespace ApertureDriver;

/// <summary>Model and driver on a board that has booted, with the sanitizer, which tells what a driver does wrong with memory.</summary>
public class ChecksumTests
{
    private static Machine Boot() =>
        Machine.Boot(Board.Tree(), new MachineOptions { Masters = [new ChecksumKind()], Sanitizer = new SanitizerOptions() });

    [Fact]
    public void Bytes_are_added_up_again_and_again()
    {
        using var machine = Boot();
        var client = (ChecksumClient)machine.Masters[0].Device!.Bound!;
        Assert.Equal(1u + 2 + 250, client.Sum([1, 2, 250]));
        Assert.Equal(10_000u * 7, client.Sum(Enumerable.Repeat((byte)7, 10_000).ToArray()));
        machine.Sanitizer!.AssertClean(isOver: true);
    }

    [Fact]
    public void What_was_not_mapped_cannot_be_read()
    {
        using var machine = Boot();
        var client = (ChecksumClient)machine.Masters[0].Device!.Bound!;
        var failure = Assert.Throws<ApertureException>(() => client.Sum(new Iova(0x1234_5000), 16));
        Assert.Equal(Status.IoError, failure.Status);
        Assert.Equal(6u, client.Sum([1, 2, 3])); // and it goes on
    }

    [Fact]
    public void The_board_holds_what_every_board_has_to()
    {
        using var machine = Boot();
        var result = new SelfTest(machine).Run(machine.Masters[0]);
        Assert.NotEmpty(result.Checks);
        Assert.All(result.Checks, check => Assert.Equal("", check.Result.Reason));
    }
}
