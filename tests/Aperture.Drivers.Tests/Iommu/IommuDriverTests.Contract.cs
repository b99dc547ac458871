using Aperture.Contract;

namespace Aperture.Drivers.Tests.Iommu;

public abstract partial class IommuDriverTests
{
    public static TheoryData<string> ContractChecks => [.. IommuContract.Checks.Select(check => check.Name)];

    [Theory]
    [MemberData(nameof(ContractChecks))]
    public void The_contract_of_the_api_holds(string check)
    {
        var result = IommuContract.Find(check)!.Run(new BoardSubject(_board));
        Assert.True(result.IsOk, result.ToString());
    }
}
