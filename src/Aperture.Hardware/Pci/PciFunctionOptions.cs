using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>What a function can do beside its own work.</summary>
public sealed record PciFunctionOptions
{
    /// <summary>What it is on PCI Express; null for a conventional function, which has neither extended capabilities nor a reset of its
    /// own. An endpoint unless set.</summary>
    public ExpressPort? Express { get; init; } = ExpressPort.Endpoint;

    /// <summary>Whether it can be reset by itself (function level reset); of PCI Express only.</summary>
    public bool CanReset { get; init; } = true;

    /// <summary>Whether it has the power management capability.</summary>
    public bool HasPowerManagement { get; init; } = true;

    /// <summary>Whether it forgets nothing in D3hot; without it going back to D0 is a reset.</summary>
    public bool KeepsStateInD3 { get; init; } = true;

    /// <summary>The pin of its INTx interrupt: 1 to 4 for INTA to INTD, 0 for none.</summary>
    public byte InterruptPin { get; init; } = 1;

    /// <summary>Vectors of MSI: 0, the default, for none, or a power of two up to 32.</summary>
    public int MsiVectors { get; init; }

    /// <summary>Vectors of MSI-X: 0, the default, for none, up to 2048.</summary>
    public int MsixVectors { get; init; }

    /// <summary>The BAR, of 32 bits and its own, in which the table of MSI-X and its pending bits lie.</summary>
    public int MsixBar { get; init; } = 4;

    /// <summary>The access control services that it has; <see cref="AcsFlags.None"/>, the default, for no such capability.</summary>
    public AcsFlags Acs { get; init; }

    /// <summary>Whether it can have translations of its own (ATS).</summary>
    public bool HasAts { get; init; }

    /// <summary>Page requests that it can have outstanding; 0, the default, for no such capability.</summary>
    public uint PageRequests { get; init; }

    /// <summary>Bits of the process address space ids that it can send, up to 20; 0, the default, for no such capability.</summary>
    public int PasidBits { get; init; }

    /// <summary>Its virtual functions; null, the default, for none.</summary>
    public SriovOptions? Sriov { get; init; }

    internal void Validate()
    {
        if (InterruptPin > 4)
            throw Wrong($"interrupt pin {InterruptPin}");
        if (MsiVectors is < 0 or > MsiRegisters.MostVectors || (MsiVectors & (MsiVectors - 1)) != 0)
            throw Wrong($"{MsiVectors} vectors of MSI");
        if (MsixVectors is < 0 or > MsixRegisters.MostVectors)
            throw Wrong($"{MsixVectors} vectors of MSI-X");
        if (PasidBits is < 0 or > Pasid.MaxBits)
            throw Wrong($"process ids of {PasidBits} bits");
        if (Express is null && (Acs != AcsFlags.None || HasAts || PageRequests > 0 || PasidBits > 0 || Sriov is not null))
            throw Wrong("extended capabilities, but is conventional");
        Sriov?.Validate();

        static ApertureException Wrong(string what) => new(Status.InvalidArgument, $"there is no PCI function with {what}");
    }
}
