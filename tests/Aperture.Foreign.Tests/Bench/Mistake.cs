using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Sanitizer;

namespace Aperture.Foreign.Tests.Bench;

/// <summary>Which line a finding has to name.</summary>
internal enum Place
{
    Call,  // where the driver called or looked
    Made,  // the device showed it: where the mapping was made
    Ended, // the device showed it: where the mapping ended
    None,  // the device showed it, and no mapping is concerned
}

/// <summary>A mistake that is not told, or not everywhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MissedAttribute(string reason) : Attribute
{
    public string Reason { get; } = reason;
}

/// <summary>What is to be found of a broken driver.</summary>
/// <param name="Kind">The class.</param>
/// <param name="Client">Whose device.</param>
/// <param name="Address">The first device address.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Line">The line.</param>
/// <param name="Place">What is done in that line.</param>
internal sealed record Mistake(FindingKind Kind, Client Client, Iova Address, ulong Length, int Line, Place Place)
{
    public static int Here([CallerLineNumber] int line = 0) => line;

    /// <summary>A call or a look shows it.</summary>
    public static Mistake Called(FindingKind kind, Client client, Iova address, int length, int line) =>
        new(kind, client, address, (ulong)length, line, Place.Call);

    /// <summary>An access of the device shows it: the line is where the mapping was made.</summary>
    public static Mistake Mapped(FindingKind kind, Client client, Iova address, int length, int line) =>
        new(kind, client, address, (ulong)length, line, Place.Made);

    /// <summary>An access of the device shows it: the line is where the mapping ended.</summary>
    public static Mistake Ended(FindingKind kind, Client client, Iova address, int length, int line) =>
        new(kind, client, address, (ulong)length, line, Place.Ended);

    /// <summary>An access of the device shows it, to what was never mapped.</summary>
    public static Mistake Stray(Client client, Iova address, int length) =>
        new(FindingKind.DeviceUseOfUnmapped, client, address, (ulong)length, 0, Place.None);

    /// <summary>Calls that fail where the path can tell.</summary>
    public static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (ApertureException)
        {
            // the sanitizer has heard of it before
        }
    }

    /// <summary>Why a finding is not this one; null when it is.</summary>
    public string? Differs(DmaFinding finding)
    {
        var (mapping, site) = (finding.Mapping, finding.Where);
        if (Place != Place.Call)
            site = Place == Place.Made ? mapping?.Made ?? default : Place == Place.Ended ? mapping?.Ended ?? default : default;
        return finding.Kind != Kind ? $"{finding.Kind} instead of {Kind}"
            : finding.Device != Client.Device.Name ? $"{finding.Device} is blamed"
            : finding.Address != Address || finding.Length != Length
                ? $"0x{finding.Length:x} bytes at {finding.Address} instead of 0x{Length:x} at {Address}"
            : site.Line != Line ? $"{Place} in line {site.Line} instead of {Line}"
            : null;
    }
}
