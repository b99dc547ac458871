using Aperture.Contract;

namespace Aperture.GuestTests;

/// <summary>The kernel's IOMMU is held to the same contract as every simulated unit.</summary>
internal static class ContractTests
{
    public static void The_contract_of_the_IOMMU_API_holds(Guest guest)
    {
        using var subject = new GuestSubject(guest);
        var results = IommuContract.Run(subject);
        foreach (var result in results.Where(result => result.Outcome != ContractOutcome.Holds))
            Console.WriteLine($"        {result}");
        Check.That(results.All(result => result.IsOk));
    }
}
