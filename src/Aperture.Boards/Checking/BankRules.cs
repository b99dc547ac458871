namespace Aperture.Boards.Checking;

/// <summary>Units with context banks say how many, and have one for each master.</summary>
internal static class BankRules
{
    private const string Property = "qcom,ncb";
    private const uint MostBanks = 4; // by the binding

    internal static void Check(CheckContext context)
    {
        foreach (var unit in context.Units.Keys.Where(unit => unit.IsCompatible("qcom,apq8064-iommu")))
        {
            if (unit.U32(Property) is not { } banks)
            {
                context.Problem(FindingCode.Banks, unit, $"{Property}, the number of context banks, is not one number: add {Property} = <2>, or what the unit has");
                continue;
            }

            if (banks is 0 or > MostBanks)
            {
                context.Problem(FindingCode.Banks, unit, $"{Property} is {banks}, but an MSM IOMMU has 1 to {MostBanks} context banks: set it to what the unit has");
                continue;
            }

            var masters = context.Masters.Where(master => master.IsPresent && master.Iommus().Any(reference => reference.Target == unit)).ToArray();
            if (masters.Length > banks)
                context.Problem(FindingCode.Banks, unit, $"has {banks} context banks for {masters.Length} masters ({string.Join(", ", masters.Select(master => master.Path))}): the last of them gets no address space; disable one, or correct {Property}");
        }
    }
}
