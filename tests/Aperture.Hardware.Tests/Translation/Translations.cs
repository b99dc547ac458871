using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

/// <summary>Answers of units, taken apart.</summary>
internal static class Translations
{
    public static TranslationStatus Translate(
        this TranslationUnit unit, in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        var result = unit.Translate(request);
        (address, contiguous) = (result.Address, result.Length);
        return result.Status;
    }

    /// <summary>A random requester and direction: read, write or fetch.</summary>
    public static BusRequest RandomRequest(StreamId stream, Iova address, int kind, bool isDebug, ushort tag)
    {
        var flags = (isDebug ? AccessFlags.Debug : 0) | (kind == 2 ? AccessFlags.Instruction : 0);
        return new BusRequest(new Requester(stream, null, flags), address, kind == 1 ? DmaAccess.Write : DmaAccess.Read, tag: tag);
    }
}
