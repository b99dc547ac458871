using Aperture.Core;

namespace Aperture.Drivers.DmaMaster;

/// <summary>What a command of the generic DMA master brought.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Address">Device address of the access that was held back or failed, or of the first byte that differs; zero if all went
/// well.</param>
/// <param name="IsWrite">Whether that access was a write.</param>
/// <param name="BytesDone">Bytes finished before the end.</param>
/// <param name="Checksum">Of what a read has read; see <see cref="Datasheets.DmaMaster.DmaMasterChecksum"/>.</param>
/// <param name="Expected">After a mismatch, the byte expected.</param>
/// <param name="Actual">After a mismatch, the byte read.</param>
public readonly record struct DmaMasterResult(
    DmaMasterOutcome Outcome, Iova Address, bool IsWrite, ulong BytesDone, ulong Checksum, byte Expected, byte Actual)
{
    /// <summary>Whether all went well.</summary>
    public bool IsOk => Outcome == DmaMasterOutcome.Ok;

    /// <summary>Whether something between the master and memory kept an access from memory.</summary>
    public bool IsBlocked => Outcome is DmaMasterOutcome.Stalled or DmaMasterOutcome.Refused or DmaMasterOutcome.BusError;

    /// <summary>One line for a log.</summary>
    public override string ToString() => Outcome switch
    {
        DmaMasterOutcome.Ok => $"{BytesDone} bytes",
        DmaMasterOutcome.Stalled => $"{Verb} {Address} was held back",
        DmaMasterOutcome.Refused => $"{Verb} {Address} was refused",
        DmaMasterOutcome.BusError => $"{Verb} {Address} was not answered",
        DmaMasterOutcome.Mismatch => $"0x{Actual:x2} instead of 0x{Expected:x2} at {Address}",
        DmaMasterOutcome.ShortList => $"the segments end after {BytesDone} bytes",
        DmaMasterOutcome.Aborted => $"aborted after {BytesDone} bytes",
        _ => "no such port",
    };

    private string Verb => IsWrite ? "write to" : "read of";
}
