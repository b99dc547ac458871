using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

// Of a master on a bus of its own: blocks there that it reaches past the unit, and where its way leads now.
public sealed partial class DmaPort
{
    /// <summary>Pieces of an access in which a bus looks for peers do not cross a multiple of this.</summary>
    private const ulong PeerPiece = 4096;

    private IPeerPaths? _peers; // null for a master that has none

    /// <summary>Closes the port and lets it lead elsewhere; <see cref="Open"/> lets accesses through.</summary>
    /// <param name="unit">The unit that stands between, or null.</param>
    /// <param name="stream">The number by which the unit knows the master.</param>
    /// <param name="windows">What the buses pass; empty for everything.</param>
    /// <param name="isCoherent">Whether the master snoops the CPU's caches.</param>
    internal void LeadTo(TranslationUnit? unit, StreamId stream, IReadOnlyList<BusWindow> windows, bool isCoherent)
    {
        Close();
        Unit = unit;
        _requester = new Requester(stream, _requester.Pasid, _requester.Flags);
        _windows = windows.Count > 0 ? [.. windows] : null;
        _isCoherent = isCoherent;
    }

    /// <summary>Says which blocks the master reaches past the unit; null for none.</summary>
    internal void SetPeers(IPeerPaths? peers) => Volatile.Write(ref _peers, peers);

    /// <summary>Asks the unit for a translation, for a master with a cache of its own.</summary>
    /// <param name="requester">Who asks.</param>
    /// <param name="address">The first byte.</param>
    /// <param name="access">For which access.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <returns>The address itself where no unit stands between; <see cref="TranslationStatus.Aborted"/> while the port is closed, and
    /// from a unit that gives no translations out.</returns>
    public TranslationResult Translate(in Requester requester, Iova address, DmaAccess access, uint length)
    {
        var passing = Passing(address, (int)Math.Min(length, int.MaxValue));
        if (passing == 0)
            return new TranslationResult(TranslationStatus.Aborted);
        return Unit is { } unit
            ? unit.Translate(new BusRequest(requester, address, access, (uint)passing, kind: TranslationKind.TranslationRequest))
            : new TranslationResult(TranslationStatus.Ok, OnBus(address), (ulong)passing, Protection.ReadWrite);
    }

    /// <summary>How much of an access is looked at in one piece.</summary>
    private int UpToPeers(Iova at, int wanted) =>
        _peers is null ? wanted : (int)Math.Min((ulong)wanted, PeerPiece - (at.Value % PeerPiece));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadPeer(Iova at, Span<byte> destination, TranslationKind kind, out int moved, out DmaStatus status)
    {
        var piece = destination[..UpToPeers(at, destination.Length)];
        moved = 0;
        status = DmaStatus.BusError;
        if (_isClosed || _peers?.Find(at, piece.Length, kind, out status, out var block, out var offset) is not true)
            return _isClosed;
        if (block is not null)
            status = Bursts.TryRead(block, offset, piece) ? DmaStatus.Ok : DmaStatus.BusError;
        Monitor?.OnRead(this, at, new PhysicalAddress(at.Value), piece.Length, status);
        moved = status == DmaStatus.Ok ? piece.Length : 0;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryWritePeer(Iova at, ReadOnlySpan<byte> source, TranslationKind kind, out int moved, out DmaStatus status)
    {
        var piece = source[..UpToPeers(at, source.Length)];
        moved = 0;
        status = DmaStatus.BusError;
        if (_isClosed || _peers?.Find(at, piece.Length, kind, out status, out var block, out var offset) is not true)
            return _isClosed;
        if (block is not null)
            status = Bursts.TryWrite(block, offset, piece) ? DmaStatus.Ok : DmaStatus.BusError;
        Monitor?.OnWrite(this, at, new PhysicalAddress(at.Value), piece, status);
        moved = status == DmaStatus.Ok ? piece.Length : 0;
        return true;
    }
}
