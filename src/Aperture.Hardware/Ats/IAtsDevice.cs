namespace Aperture.Hardware.Ats;

/// <summary>A device with translations of its own, as the unit that gave them out reaches it.</summary>
public interface IAtsDevice
{
    /// <summary>Drops translations: none is used for an access that begins from here on. Called under the unit's lock: takes locks of its
    /// own for a moment only, and asks the unit for nothing.</summary>
    /// <param name="what">Which.</param>
    /// <returns>False: the device does not answer, and may go on using them.</returns>
    bool TryInvalidate(in AtsInvalidation what);

    /// <summary>Returns when every access of another thread that began with a translation which was dropped meanwhile has ended. Called
    /// without a lock.</summary>
    void EndAccesses();

    /// <summary>Hears what became of page requests. Called under the unit's lock: what follows from it happens later
    /// (<see cref="Core.Threading.EventGate"/>).</summary>
    /// <param name="answer">Of which, and what.</param>
    void Answer(in PageAnswer answer);
}
