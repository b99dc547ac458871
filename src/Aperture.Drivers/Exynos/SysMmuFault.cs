using System.Numerics;
using Aperture.Datasheets.Exynos;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Exynos;

/// <summary>A fault as a unit tells it.</summary>
/// <param name="Bit">Its bit in INT_STATUS.</param>
/// <param name="IsKnown">Whether the bit has a meaning; if not there is no address.</param>
/// <param name="Context">The virtual machine; zero without.</param>
/// <param name="Address">The device address.</param>
/// <param name="Access">The direction.</param>
/// <param name="Reason">The cause.</param>
internal readonly record struct SysMmuFault(uint Bit, bool IsKnown, int Context, uint Address, FaultAccess Access, FaultReason Reason)
{
    private const int V1Causes = 8; // bits of INT_STATUS that versions 1 to 4 use
    private const int V5Causes = 5; // of each direction

    /// <summary>Reads the pending fault with the lowest bit number.</summary>
    /// <param name="registers">The unit's registers.</param>
    /// <param name="identity">Which unit it is.</param>
    /// <param name="status">INT_STATUS; not zero.</param>
    public static SysMmuFault Read(RegisterRegion registers, SysMmuIdentity identity, uint status)
    {
        var number = BitOperations.TrailingZeroCount(status);
        return identity.Version.Major switch
        {
            < 5 => ReadV1(registers, identity.Version, number),
            < 7 => ReadV5(registers, number),
            _ => ReadV7(registers, identity.HasVm, number),
        };
    }

    private static SysMmuFault ReadV1(RegisterRegion registers, SysMmuVersion version, int number)
    {
        if (number >= V1Causes)
            return Unknown(number);
        var fault = (SysMmuV1Fault)(1 << number);
        var access = fault switch
        {
            SysMmuV1Fault.ReadMultiHit or SysMmuV1Fault.ReadSecurity or SysMmuV1Fault.ReadProtection => FaultAccess.Read,
            SysMmuV1Fault.WriteMultiHit or SysMmuV1Fault.WriteSecurity or SysMmuV1Fault.WriteProtection => FaultAccess.Write,
            _ when version.IsAtLeast(3, 3) => AccessOf(registers.Read32(SysMmuV1Register.FaultTransactionInfo)),
            _ => FaultAccess.Unknown,
        };
        var address = fault switch
        {
            SysMmuV1Fault.Page => SysMmuV1Register.PageFaultAddress,
            SysMmuV1Fault.BusError => SysMmuV1Register.DefaultSlaveAddress,
            _ => access == FaultAccess.Write ? SysMmuV1Register.WriteFaultAddress : SysMmuV1Register.ReadFaultAddress,
        };
        var reason = fault switch
        {
            SysMmuV1Fault.Page => FaultReason.NotMapped,
            SysMmuV1Fault.BusError => FaultReason.TableWalk,
            SysMmuV1Fault.ReadMultiHit or SysMmuV1Fault.WriteMultiHit => FaultReason.MultipleHit,
            SysMmuV1Fault.ReadSecurity or SysMmuV1Fault.WriteSecurity => FaultReason.Security,
            _ => FaultReason.Protection,
        };
        return new SysMmuFault(1u << number, true, 0, registers.Read32(address), access, reason);
    }

    private static SysMmuFault ReadV5(RegisterRegion registers, int number)
    {
        var isWrite = number >= SysMmuV5FaultExtensions.WriteShift;
        var cause = number - (isWrite ? SysMmuV5FaultExtensions.WriteShift : 0);
        if (cause >= V5Causes)
            return Unknown(number);
        var reason = (SysMmuV5Fault)cause switch
        {
            SysMmuV5Fault.TableWalk => FaultReason.TableWalk,
            SysMmuV5Fault.Page => FaultReason.NotMapped,
            SysMmuV5Fault.MultiHit => FaultReason.MultipleHit,
            SysMmuV5Fault.Protection => FaultReason.Protection,
            _ => FaultReason.Security,
        };
        var address = registers.Read32(isWrite ? SysMmuV5Register.WriteFaultAddress : SysMmuV5Register.ReadFaultAddress);
        return new SysMmuFault(1u << number, true, 0, address, isWrite ? FaultAccess.Write : FaultAccess.Read, reason);
    }

    private static SysMmuFault ReadV7(RegisterRegion registers, bool hasVm, int number)
    {
        var vm = hasVm ? number / SysMmuV7FaultExtensions.BitsPerVm : 0;
        var at = hasVm ? SysMmuVmRegister.FaultAddress + ((uint)vm * SysMmuVmRegister.FaultStride) : SysMmuV7Register.FaultAddress;
        var infoAt = hasVm ? at + (SysMmuVmRegister.FaultInfo - SysMmuVmRegister.FaultAddress) : SysMmuV7Register.FaultInfo;
        var reason = (SysMmuV7Fault)(number % SysMmuV7FaultExtensions.BitsPerVm) switch
        {
            SysMmuV7Fault.TableWalk => FaultReason.TableWalk,
            SysMmuV7Fault.Page => FaultReason.NotMapped,
            SysMmuV7Fault.Protection => FaultReason.Protection,
            _ => FaultReason.Other,
        };
        return new SysMmuFault(1u << number, true, vm, registers.Read32(at), AccessOf(registers.Read32(infoAt)), reason);
    }

    private static SysMmuFault Unknown(int number) => new(1u << number, false, 0, 0, FaultAccess.Unknown, FaultReason.Other);

    private static FaultAccess AccessOf(uint info) => new SysMmuTransactionInfo(info).IsWrite ? FaultAccess.Write : FaultAccess.Read;
}
