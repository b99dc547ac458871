using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Pci;

// INTx, MSI and MSI-X.
public partial class PciFunction
{
    private readonly List<InterruptLine> _lines = []; // of the blocks, that make its INTx
    private MsiCapability? _msi;
    private MsixCapability? _msix;

    /// <summary>The messages of MSI-X, or of MSI where there is none of that, by vector; for whoever watches.</summary>
    public IReadOnlyList<MsiSource> Messages => _msix?.Table.Sources ?? _msi?.Sources ?? [];

    /// <summary>Whether its blocks want an interrupt by INTx.</summary>
    public bool WantsInterrupt => _lines.Exists(line => line.IsAsserted);

    /// <summary>Makes a block's line an interrupt of the function: its INTx while messages are off, and a message each time that it rises
    /// while they are on.</summary>
    /// <param name="line">The line.</param>
    /// <param name="vector">The message's number; null for a block that sends its messages itself (<see cref="Raise"/>).</param>
    public void Connect(InterruptLine line, int? vector = 0)
    {
        ArgumentNullException.ThrowIfNull(line);
        _lines.Add(line);
        line.Changed = level =>
        {
            if (level && vector is { } message)
                Raise(message);
            if (!SendsMessages)
                Host?.LookAtLines();
        };
    }

    private bool SendsMessages => _msi is { IsEnabled: true } || _msix?.Control.IsEnabled == true;

    /// <summary>Sends a message, or leaves it pending while it is masked. Nothing happens while messages are off.</summary>
    /// <param name="vector">Its number; below the number of vectors of MSI-X where that is on.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such vector.</exception>
    public void Raise(int vector)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(vector);
        if (_msix is { } msix && msix.Control.IsEnabled)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(vector, msix.Table.Sources.Count);
            msix.Table.Raise(vector);
        }
        else
        {
            _msi?.Raise(vector);
        }
    }

    /// <summary>Looks at the INTx line and the status register. The host's lock is held.</summary>
    /// <returns>Whether the function drives its pin.</returns>
    internal bool LookAtLine()
    {
        var wants = WantsInterrupt;
        Configuration.Set16(PciRegisters.Status, (ushort)PciStatus.Interrupt, wants);
        return wants && Options.InterruptPin > 0 && !IsVirtual && IsOn && (Command & PciCommand.InterruptDisable) == 0
            && !SendsMessages;
    }
}
