namespace Aperture.Core.Threading;

/// <summary>What happens once the thread that caused it holds no <see cref="GatedLock"/>: an interrupt, a timer that is due.</summary>
public interface IGateEvent
{
    /// <summary>Lets it happen.</summary>
    void Deliver();
}
