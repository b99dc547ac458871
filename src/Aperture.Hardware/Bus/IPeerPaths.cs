using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Bus;

/// <summary>What a master reaches on its own bus, past whatever stands between that bus and memory.</summary>
internal interface IPeerPaths
{
    /// <summary>Says whether an access stays on the bus.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes; within 4 KiB.</param>
    /// <param name="kind">Whether the address is translated.</param>
    /// <param name="status">Why it ends here, where no block is given.</param>
    /// <param name="block">The block that takes it; null where nobody may.</param>
    /// <param name="offset">The first byte in the block.</param>
    /// <returns>False for an access that leaves the bus.</returns>
    bool Find(Iova address, int length, TranslationKind kind, out DmaStatus status, out IMmioDevice? block, out uint offset);
}
