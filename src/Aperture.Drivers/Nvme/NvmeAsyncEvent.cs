namespace Aperture.Drivers.Nvme;

/// <summary>An event that an NVMe controller told of. Source: NVM Express 1.4, 5.2.1.</summary>
/// <param name="Sequence">Its number, from 0.</param>
/// <param name="Value">Word 0 of the completion.</param>
public readonly record struct NvmeAsyncEvent(int Sequence, uint Value)
{
    /// <summary>0 error, 1 SMART and health, 2 notice, 6 I/O command set, 7 vendor.</summary>
    public int Type => (int)(Value & 7);

    /// <summary>What happened, by type.</summary>
    public int Information => (int)(Value >> 8 & 0xFF);

    /// <summary>The log page that tells more.</summary>
    public int LogPage => (int)(Value >> 16 & 0xFF);

    /// <summary>One line.</summary>
    public override string ToString() => $"event {Sequence}: type {Type}, information 0x{Information:x2}, log page 0x{LogPage:x2}";
}
