using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <summary>What a master does at an address once a unit has translated it. Implemented by structs, so that a unit's one operation is
/// compiled for each.</summary>
public interface IBusAccess
{
    /// <summary>Does the access if it goes to RAM. Called while the unit counts the access as going on: an invalidation on another thread
    /// waits for it, so it takes no lock under which anybody waits, raises nothing and calls nobody.</summary>
    /// <param name="bus">The bus behind the unit.</param>
    /// <param name="target">Where the access goes; it ends after <see cref="TranslationResult.Length"/> bytes at the latest.</param>
    /// <returns>False, with nothing done, where that is not RAM.</returns>
    bool TryInMemory(SystemBus bus, in TranslationResult target);

    /// <summary>Does an access that does not go to RAM. Called after the unit has let it go: a register write may itself complete an
    /// invalidation, and two threads would wait for each other.</summary>
    /// <param name="bus">The bus behind the unit.</param>
    /// <param name="target">Where the access goes.</param>
    /// <returns>False for a bus error.</returns>
    bool TryOnBus(SystemBus bus, in TranslationResult target);
}
