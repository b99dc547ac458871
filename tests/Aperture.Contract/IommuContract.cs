namespace Aperture.Contract;

/// <summary>The contract of the IOMMU API, which every unit and every backend keeps.</summary>
public static class IommuContract
{
    /// <summary>All of it.</summary>
    public static IReadOnlyList<ContractCheck> Checks { get; } =
    [
        .. MappingChecks.All,
        .. UnmappingChecks.All,
        .. LimitChecks.All,
        .. AttachingChecks.All,
        .. RepeatChecks.All,
        .. PairChecks.All,
        .. RandomChecks.All,
    ];

    /// <summary>The check of a name, or null.</summary>
    public static ContractCheck? Find(string name) => Checks.FirstOrDefault(check => check.Name == name);

    /// <summary>Holds a subject to all of it.</summary>
    public static IReadOnlyList<ContractResult> Run(IContractSubject subject) => [.. Checks.Select(check => check.Run(subject))];
}
