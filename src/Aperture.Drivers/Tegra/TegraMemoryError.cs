using System.Globalization;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>An error that the memory controller found in an access.</summary>
/// <param name="Cause">Its bit in MC_INTSTATUS.</param>
/// <param name="Client">The client's number.</param>
/// <param name="ClientName">Its name; null for one that is not known.</param>
/// <param name="Swgroup">The number of its swgroup; null where the client is not known.</param>
/// <param name="Address">The address: a device address for a translation fault.</param>
/// <param name="Status">The status register.</param>
public readonly record struct TegraMemoryError(
    TegraMcInterrupts Cause,
    uint Client,
    string? ClientName,
    uint? Swgroup,
    ulong Address,
    TegraErrorStatus Status)
{
    /// <summary>Whether it is a translation fault.</summary>
    public bool IsTranslationFault => Cause == TegraMcInterrupts.InvalidSmmuPage;

    /// <summary>Why a translation fault happened, by the rights of the descriptor that refused the access.</summary>
    public FaultReason Reason
    {
        get
        {
            if (!IsTranslationFault)
                return FaultReason.Other;
            if (!Status.Descriptor.IsValid)
                return FaultReason.NotMapped;
            var needed = Status.IsWrite ? TegraDescriptor.WritableBit : TegraDescriptor.ReadableBit;
            return (Status.Descriptor.Value & needed) == 0 ? FaultReason.Protection : FaultReason.Security;
        }
    }

    /// <summary>Reads an error that is pending.</summary>
    /// <param name="registers">The memory controller.</param>
    /// <param name="soc">Which one.</param>
    /// <param name="cause">Its bit in MC_INTSTATUS.</param>
    public static TegraMemoryError Read(RegisterRegion registers, TegraSoc soc, TegraMcInterrupts cause)
    {
        ArgumentNullException.ThrowIfNull(registers);
        ArgumentNullException.ThrowIfNull(soc);
        var (statusAt, addressAt) = TegraMcRegister.ErrorRegisters(cause);
        var status = new TegraErrorStatus(registers.Read32(statusAt));
        var address = registers.Read32(addressAt) | (soc.IsWide ? status.AddressHigh : 0);
        var client = soc.FindClient(status.Client(soc.ClientMask));
        return new(cause, status.Client(soc.ClientMask), client?.Name, client?.Swgroup, address, status);
    }

    /// <summary>One line for a log.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{ClientName ?? $"client {Client}"}: {(Status.IsSecure ? "secure " : "")}{(Status.IsWrite ? "write to" : "read of")} "
        + $"0x{Address:x}: {Cause}{(IsTranslationFault ? $" ({Rights})" : "")}");

    /// <summary>The rights of the descriptor that refused a translation: readable, writable, secure.</summary>
    public string Rights => string.Create(3, Status.Descriptor.Value, static (text, word) =>
    {
        text[0] = (word & TegraDescriptor.ReadableBit) != 0 ? 'R' : '-';
        text[1] = (word & TegraDescriptor.WritableBit) != 0 ? 'W' : '-';
        text[2] = (word & TegraDescriptor.NonSecureBit) == 0 ? 'S' : '-';
    });
}
