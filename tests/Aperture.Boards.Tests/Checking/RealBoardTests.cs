using Aperture.Boards.Checking;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Checking;

public class RealBoardTests
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Directory);

    [BoardTheory]
    [MemberData(nameof(Boards))]
    public void A_real_board_has_no_errors_and_no_warnings(string board)
    {
        var tree = DeviceTree.Parse(File.ReadAllBytes(Path.Combine(BoardFiles.Directory!, board + ".dtb")));
        Assert.Equal([], BoardChecker.Check(tree).Where(f => f.Severity != FindingSeverity.Info).Select(f => f.ToString()));
    }
}
