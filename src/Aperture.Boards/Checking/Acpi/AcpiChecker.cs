using Aperture.Acpi;
using Aperture.Acpi.Dmar;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Ivrs;
using Aperture.Acpi.Mcfg;
using Aperture.Acpi.Rimt;
using Aperture.Acpi.Viot;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>Looks over the ACPI tables that describe IOMMUs, without booting anything.</summary>
public static class AcpiChecker
{
    /// <summary>Checks tables. Tables that cannot be read at all are refused earlier, when they are parsed.</summary>
    /// <returns>Findings, in the order of the tables.</returns>
    public static IReadOnlyList<Finding> Check(AcpiTableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var findings = new AcpiFindings();
        foreach (var table in tables.Tables)
        {
            findings.Table = table;
            if (!table.HasValidChecksum)
                findings.Error(AcpiFindingCode.Checksum, null, $"the checksum is 0x{table.Checksum:x2}, and the bytes do not add up to 0");
            switch (table)
            {
                case IortTable iort:
                    IortRules.Check(iort, findings);
                    break;
                case DmarTable dmar:
                    DmarRules.Check(dmar, findings);
                    break;
                case IvrsTable ivrs:
                    IvrsRules.Check(ivrs, findings);
                    break;
                case ViotTable viot:
                    ViotRules.Check(viot, findings);
                    break;
                case RimtTable rimt:
                    RimtRules.Check(rimt, findings);
                    break;
                case McfgTable mcfg:
                    McfgRules.Check(mcfg, tables, findings);
                    break;
            }
        }

        foreach (var twice in tables.Tables.GroupBy(table => table.Signature).Where(same => same.Count() > 1))
        {
            findings.Table = twice.First();
            findings.Error(AcpiFindingCode.Count, null, $"there are {twice.Count()} tables of this name; software takes the first");
        }

        return findings.All;
    }
}
