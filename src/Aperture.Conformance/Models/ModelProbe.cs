using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>Asks a unit of the recorded kind what accesses through a table lead to, always from reset, so that neither an earlier
/// fault nor a cached translation speaks.</summary>
/// <param name="family">The kind of unit.</param>
/// <param name="unit">A unit that nothing else uses.</param>
public sealed class ModelProbe(ModelFamily family, TranslationUnit unit)
{
    /// <summary>Makes one access of each direction.</summary>
    /// <param name="table">The first-level table.</param>
    /// <param name="iova">The device address.</param>
    /// <returns>What the hardware does with accesses to the address.</returns>
    public ProbeResult Access(ulong table, ulong iova)
    {
        var isRead = Translate(table, iova, DmaAccess.Read, out var address, out var readFault);
        var isWritten = Translate(table, iova, DmaAccess.Write, out var written, out var writeFault);
        return new ProbeResult(
            isRead, isWritten, isRead ? address : written, isRead || isWritten ? 0 : readFault, isRead || isWritten ? 0 : writeFault);
    }

    private bool Translate(ulong table, ulong iova, DmaAccess access, out ulong address, out ulong faultAddress)
    {
        unit.SetReset(true);
        unit.SetReset(false);
        family.Start(unit, table);
        var result = unit.Translate(new BusRequest(family.Stream, new Iova(iova), access));
        address = result.Address.Value;
        var isOk = result.Status == TranslationStatus.Ok;
        faultAddress = isOk ? 0 : family.FaultAddress(unit, access);
        return isOk;
    }
}

/// <summary>What the hardware does with accesses to an address.</summary>
/// <param name="CanRead">Whether a read goes through.</param>
/// <param name="CanWrite">Whether a write goes through.</param>
/// <param name="Address">Where they go.</param>
/// <param name="ReadFault">The address that the fault registers show after a read, if neither goes through.</param>
/// <param name="WriteFault">The same after a write.</param>
public readonly record struct ProbeResult(bool CanRead, bool CanWrite, ulong Address, ulong ReadFault, ulong WriteFault)
{
    /// <summary>The rights in the words of the vectors.</summary>
    public string Protection => (CanRead, CanWrite) switch
    {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        _ => "none",
    };

    /// <summary>The result in a few words.</summary>
    public override string ToString() => CanRead || CanWrite ? $"0x{Address:x} {Protection}" : "fault";
}
