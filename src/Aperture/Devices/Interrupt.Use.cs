namespace Aperture.Devices;

// Who sends the interrupt hears whether anybody wants it.
public sealed partial class Interrupt
{
    private readonly Lock _using = new(); // held while the sender is told, so that it hears of each change in order
    private bool _isUsed;                 // what the sender was told last

    /// <summary>Tells whoever sends the interrupt that it has a handler now, or none any more: a PCI function's vector is set up and
    /// masked by it. What it throws when a handler comes goes to who requested that, who has none then. Set by whoever made the
    /// device.</summary>
    public Action<bool>? Used { get; set; }

    private void TellUse()
    {
        if (Used is not { } used)
            return;
        lock (_using)
        {
            bool isUsed;
            lock (_lock)
                isUsed = _handlers.Length > 0;
            if (isUsed == _isUsed)
                return;
            used(isUsed);
            _isUsed = isUsed;
        }
    }
}
