namespace Aperture.Datasheets.Arm;

/// <summary>TEX remap: PRRR and NMRR give each of eight indices its memory attributes.</summary>
/// <remarks><code>
/// PRRR  31:24        19   18   17   16   15:0
///       NOS7..NOS0   NS1  NS0  DS1  DS0  TR7..TR0, two bits each
/// NMRR  31:16                 15:0
///       OR7..OR0              IR7..IR0
/// </code>
/// Source: ARM DDI 0406, B4.1.</remarks>
/// <param name="Primary">PRRR.</param>
/// <param name="Normal">NMRR.</param>
public readonly record struct ArmMemoryRemap(uint Primary, uint Normal)
{
    /// <summary>The attributes of a page under TEX remap. The reserved type counts as strongly ordered.</summary>
    public ArmMemoryAttributes Of(ArmPageAttributes page)
    {
        var index = page.RemapIndex;
        var type = (ArmMemoryType)(Primary >> (2 * index) & 3);
        var isInnerOnly = (Primary >> (24 + index) & 1) != 0;
        return type switch
        {
            ArmMemoryType.Normal =>
                new(type, Policy(Normal >> (2 * index)), Policy(Normal >> (16 + (2 * index))), Bit(page.IsShareable ? 19 : 18),
                isInnerOnly),
            ArmMemoryType.Device => new(type, default, default, Bit(page.IsShareable ? 17 : 16), isInnerOnly),
            _ => new(ArmMemoryType.StronglyOrdered, default, default, true, false),
        };
    }

    private static ArmCachePolicy Policy(uint bits) => (ArmCachePolicy)(bits & 3);

    private bool Bit(int number) => (Primary >> number & 1) != 0;
}
