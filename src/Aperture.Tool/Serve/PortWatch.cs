using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Tool.Serve;

/// <summary>Watches what a device does behind a unit.</summary>
internal sealed class PortWatch(ServeEvents events, string device, string unit) : IDmaMonitor
{
    private const int PageShift = 12;
    private const int MostPages = 1 << 20; // remembered; beyond that the oldest knowledge goes

    private readonly Dictionary<ulong, PageUse> _pages = []; // by page; the port has one master, which is on one thread at a time
    private ulong _number;                                   // of accesses
    private (Iova Address, bool IsWrite) _held;              // an access that is held back comes again

    public void OnRead(DmaPort port, Iova address, PhysicalAddress physical, int length, DmaStatus status) =>
        Note(address, physical, length, false, status);

    public void OnWrite(DmaPort port, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, DmaStatus status) =>
        Note(address, physical, data.Length, true, status);

    private void Note(Iova address, PhysicalAddress physical, int length, bool isWrite, DmaStatus status)
    {
        var page = address.Value >> PageShift;
        _number++;
        if (status == DmaStatus.Ok)
        {
            _held = default;
            if (_pages.Count >= MostPages)
                _pages.Clear();
            _pages[page] = new PageUse(_number, physical.Value >> PageShift, isWrite);
            return;
        }

        if (_held == (address, isWrite))
            return;
        _held = (address, isWrite);
        events.OnFailedAccess(new FailedAccess(
            unit, device, address, length, isWrite, status, _pages.TryGetValue(page, out var use) ? use : null, _number));
    }
}
