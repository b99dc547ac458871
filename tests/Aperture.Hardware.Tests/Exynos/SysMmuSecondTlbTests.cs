using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Exynos;
using static Aperture.Hardware.Tests.Exynos.SysMmuHarness;

namespace Aperture.Hardware.Tests.Exynos;

/// <summary>What the second TLB keeps of a page that the first one has forgotten, and what takes it away.</summary>
public class SysMmuSecondTlbTests
{
    private const ulong Second = Ram + 0x8000;

    public enum Way
    {
        Everything,
        Entry,
        Range,
        Reset,
    }

    [Theory]
    [InlineData(Way.Everything)]
    [InlineData(Way.Entry)]
    [InlineData(Way.Range)]
    [InlineData(Way.Reset)]
    public void A_page_in_both_goes_from_both(Way way)
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5 with { TlbWays = 1, L2TlbEntries = 8, L2TlbConfigReset = 1 });
        sysMmu.Link(0, Second);
        sysMmu.Page(0x2000, Second, 0xA000_9000);
        sysMmu.Enable();
        for (var round = 0u; round < 3; round++)
        {
            sysMmu.Page(0x1000, Second, 0xA000_0000 + (round << 12));
            sysMmu.AssertMapped(0x1000, 0xA000_0000 + (round << 12));
            sysMmu.AssertMapped(0x2000, 0xA000_9000); // takes the only place of the first
            sysMmu.Page(0x1000, Second, 0xB000_0000);
            sysMmu.AssertMapped(0x1000, 0xA000_0000 + (round << 12)); // out of the second
            Drop(sysMmu, way);
            sysMmu.AssertMapped(0x1000, 0xB000_0000);
            Drop(sysMmu, way);
        }
    }

    private static void Drop(SysMmuHarness sysMmu, Way way)
    {
        switch (way)
        {
            case Way.Everything:
                sysMmu.Write(SysMmuV5Register.Flush, 1);
                break;
            case Way.Entry:
                sysMmu.Write(SysMmuV5Register.FlushEntry, 0x1001);
                break;
            case Way.Range:
                sysMmu.Write(SysMmuV5Register.FlushRangeStart, 0x1000);
                sysMmu.Write(SysMmuV5Register.FlushRangeEnd, 0x1000);
                sysMmu.Write(SysMmuV5Register.FlushRange, 1);
                break;
            default:
                sysMmu.Unit.SetReset(true);
                sysMmu.Unit.SetReset(false);
                sysMmu.Write(SysMmuV5Register.TableBase, (uint)(Table >> 12)); // and no flush
                sysMmu.Write(SysMmuRegister.Control, SysMmuControl.Running.Value);
                break;
        }
    }
}
