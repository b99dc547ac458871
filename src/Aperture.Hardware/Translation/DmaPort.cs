using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <summary>A master's port to memory: straight onto the bus, or through a translation unit.</summary>
/// <remarks>Any number of threads, each with bytes of its own.</remarks>
public sealed partial class DmaPort
{
    private readonly SystemBus _bus;
    private bool _isClosed;
    private bool _isSpecial; // closed, or there is a monitor: one look for most accesses
    private bool _isCoherent;
    private Requester _requester;

    /// <summary>A port.</summary>
    /// <param name="bus">The bus behind the port.</param>
    /// <param name="unit">The unit that stands between, or null for a master with physical addresses.</param>
    /// <param name="stream">The number by which the unit knows this master.</param>
    public DmaPort(SystemBus bus, TranslationUnit? unit = null, StreamId stream = default)
    {
        ArgumentNullException.ThrowIfNull(bus);
        _bus = bus;
        Unit = unit;
        _requester = new Requester(stream);
    }

    /// <summary>The unit that stands between, or null for a master with physical addresses.</summary>
    public TranslationUnit? Unit { get; private set; }

    /// <summary>The number by which the unit knows this master.</summary>
    public StreamId Stream => Requester.Stream;

    /// <summary>Who makes the accesses on this port; by default its master without any address space of its own or any flag.</summary>
    public Requester Requester
    {
        get => _requester;
        init => _requester = value;
    }

    /// <summary>Whether the master snoops the CPU's caches: it sees what the CPU sees, and the CPU what it writes. Of no account on a
    /// machine whose caches are not modelled.</summary>
    public bool IsCoherent
    {
        get => _isCoherent;
        init => _isCoherent = value;
    }

    /// <summary>Hears of every access by an address of the device's own; null, the default, for nobody. Accesses for processes, and by
    /// translations that the device keeps, it does not hear of.</summary>
    public IDmaMonitor? Monitor
    {
        get;
        set
        {
            field = value;
            _isSpecial = _isClosed || value is not null;
        }
    }

    /// <summary>Lets no access through any more: each is a <see cref="DmaStatus.BusError"/> and gets to no unit. When this returns, those
    /// through the unit that began before on other threads have ended; without a unit one may just be ending.</summary>
    public void Close()
    {
        (_isClosed, _isSpecial) = (true, true);
        Volatile.Write(ref _passing, []);
        Unit?.WaitForAccesses();
    }

    /// <summary>Lets accesses through again.</summary>
    public void Open()
    {
        (_isClosed, _isSpecial) = (false, Monitor is not null);
        Volatile.Write(ref _passing, _windows);
    }

    /// <summary>Reads bytes, page by page.</summary>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="destination">Where they go.</param>
    /// <param name="transferred">How many bytes were read before the end or the failure.</param>
    public DmaStatus Read(Iova address, Span<byte> destination, out int transferred) =>
        Read(Requester, address, destination, out transferred);

    /// <summary>Reads bytes, page by page, as somebody else than the port's own requester.</summary>
    /// <param name="requester">Who makes the access: one of the master's address spaces, privileged or not.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="destination">Where they go.</param>
    /// <param name="transferred">How many bytes were read before the end or the failure.</param>
    /// <param name="kind">Whether the address is a translation that the unit gave out before.</param>
    public DmaStatus Read(
        in Requester requester,
        Iova address,
        Span<byte> destination,
        out int transferred,
        TranslationKind kind = TranslationKind.Untranslated)
    {
        var thread = ThreadRecord.Current;
        transferred = 0;
        while (transferred < destination.Length)
        {
            var at = address + (ulong)transferred;
            if (_peers is not null && TryReadPeer(at, destination[transferred..], kind, out var moved, out var answer))
            {
                transferred += moved;
                if (answer != DmaStatus.Ok)
                    return answer;
                continue;
            }

            var passing = Passing(at, UpToPeers(at, destination.Length - transferred));
            var access = new ReadAccess(
                this, at, passing == 0 ? destination[transferred..] : destination.Slice(transferred, passing), IsUnheard(requester, kind));
            var status = passing == 0 ? DmaStatus.BusError : Do(thread, requester, at, DmaAccess.Read, kind, passing, ref access);
            if (Monitor is { } monitor && !access.IsTold)
                monitor.OnRead(this, at, access.Target, access.Length, status);
            if (status != DmaStatus.Ok)
                return status;
            transferred += access.Length;
        }

        return DmaStatus.Ok;
    }

    /// <summary>Writes bytes, page by page.</summary>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="transferred">How many bytes were written before the end or the failure.</param>
    public DmaStatus Write(Iova address, ReadOnlySpan<byte> source, out int transferred) =>
        Write(Requester, address, source, out transferred);

    /// <summary>Writes bytes, page by page, as somebody else than the port's own requester.</summary>
    /// <param name="requester">Who makes the access: one of the master's address spaces, privileged or not.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="transferred">How many bytes were written before the end or the failure.</param>
    /// <param name="kind">Whether the address is a translation that the unit gave out before.</param>
    public DmaStatus Write(
        in Requester requester,
        Iova address,
        ReadOnlySpan<byte> source,
        out int transferred,
        TranslationKind kind = TranslationKind.Untranslated)
    {
        var thread = ThreadRecord.Current;
        transferred = 0;
        while (transferred < source.Length)
        {
            var at = address + (ulong)transferred;
            if (_peers is not null && TryWritePeer(at, source[transferred..], kind, out var moved, out var answer))
            {
                transferred += moved;
                if (answer != DmaStatus.Ok)
                    return answer;
                continue;
            }

            var passing = Passing(at, UpToPeers(at, source.Length - transferred));
            var access = new WriteAccess(
                this, at, passing == 0 ? source[transferred..] : source.Slice(transferred, passing), IsUnheard(requester, kind));
            var status = passing == 0 ? DmaStatus.BusError : Do(thread, requester, at, DmaAccess.Write, kind, passing, ref access);
            if (Monitor is { } monitor && !access.IsTold)
                monitor.OnWrite(this, at, access.Target, access.Bytes, status);
            if (status != DmaStatus.Ok)
                return status;
            transferred += access.Bytes.Length;
        }

        return DmaStatus.Ok;
    }

    /// <summary>Whether the monitor is not told: the address is none of the device's own, but one that the unit gave out, or a
    /// process's.</summary>
    private bool IsUnheard(in Requester requester, TranslationKind kind) =>
        Monitor is not null && (kind == TranslationKind.Translated || requester.Pasid is not null);

    /// <summary>One access, up to the end of what translates alike.</summary>
    private DmaStatus Do<TAccess>(
        ThreadRecord thread,
        in Requester requester,
        Iova address,
        DmaAccess direction,
        TranslationKind kind,
        int wanted,
        ref TAccess access)
        where TAccess : struct, IBusAccess, allows ref struct
    {
        if (Unit is { } unit)
            return unit.TryAccess(thread, new BusRequest(requester, address, direction, (uint)wanted, kind: kind), ref access);
        var target = new TranslationResult(TranslationStatus.Ok, OnBus(address), (ulong)wanted, Protection.ReadWrite);
        return access.TryInMemory(_bus, target) || access.TryOnBus(_bus, target) ? DmaStatus.Ok : DmaStatus.BusError;
    }
}
