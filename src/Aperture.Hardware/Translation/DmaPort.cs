using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <summary>A master's port to memory: straight onto the bus, or through a translation unit.</summary>
public sealed partial class DmaPort
{
    private readonly SystemBus _bus;

    /// <summary>A port.</summary>
    /// <param name="bus">The bus behind the port.</param>
    /// <param name="unit">The unit that stands between, or null for a master with physical addresses.</param>
    /// <param name="stream">The number by which the unit knows this master.</param>
    public DmaPort(SystemBus bus, TranslationUnit? unit = null, StreamId stream = default)
    {
        ArgumentNullException.ThrowIfNull(bus);
        _bus = bus;
        Unit = unit;
        Requester = new Requester(stream);
    }

    /// <summary>The unit that stands between, or null for a master with physical addresses.</summary>
    public TranslationUnit? Unit { get; }

    /// <summary>The number by which the unit knows this master.</summary>
    public StreamId Stream => Requester.Stream;

    /// <summary>Who makes the accesses on this port; by default its master without any address space of its own or any flag.</summary>
    public Requester Requester { get; init; }

    /// <summary>Whether the master snoops the CPU's caches: it sees what the CPU sees, and the CPU what it writes. Of no account on a
    /// machine whose caches are not modelled.</summary>
    public bool IsCoherent { get; init; }

    /// <summary>Hears of every access; null, the default, for nobody.</summary>
    public IDmaMonitor? Monitor { get; set; }

    /// <summary>Reads bytes, page by page.</summary>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="destination">Where they go.</param>
    /// <param name="transferred">How many bytes were read before the end or the failure.</param>
    public DmaStatus Read(Iova address, Span<byte> destination, out int transferred) => Read(Requester, address, destination, out transferred);

    /// <summary>Reads bytes, page by page, as somebody else than the port's own requester.</summary>
    /// <param name="requester">Who makes the access: one of the master's address spaces, privileged or not.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="destination">Where they go.</param>
    /// <param name="transferred">How many bytes were read before the end or the failure.</param>
    public DmaStatus Read(in Requester requester, Iova address, Span<byte> destination, out int transferred)
    {
        transferred = 0;
        while (transferred < destination.Length)
        {
            var status = Translate(requester, address + (ulong)transferred, DmaAccess.Read, destination.Length - transferred, out var target, out var length);
            if (Monitor is { } monitor)
                monitor.OnRead(this, address + (ulong)transferred, target, length, status);
            if (status != DmaStatus.Ok)
                return status;
            if (!_bus.TryRead(target, destination.Slice(transferred, length), IsCoherent))
                return DmaStatus.BusError;
            transferred += length;
        }

        return DmaStatus.Ok;
    }

    /// <summary>Writes bytes, page by page.</summary>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="transferred">How many bytes were written before the end or the failure.</param>
    public DmaStatus Write(Iova address, ReadOnlySpan<byte> source, out int transferred) => Write(Requester, address, source, out transferred);

    /// <summary>Writes bytes, page by page, as somebody else than the port's own requester.</summary>
    /// <param name="requester">Who makes the access: one of the master's address spaces, privileged or not.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="transferred">How many bytes were written before the end or the failure.</param>
    public DmaStatus Write(in Requester requester, Iova address, ReadOnlySpan<byte> source, out int transferred)
    {
        transferred = 0;
        while (transferred < source.Length)
        {
            var status = Translate(requester, address + (ulong)transferred, DmaAccess.Write, source.Length - transferred, out var target, out var length);
            if (Monitor is { } monitor)
                monitor.OnWrite(this, address + (ulong)transferred, target, source.Slice(transferred, length), status);
            if (status != DmaStatus.Ok)
                return status;
            if (!_bus.TryWrite(target, source.Slice(transferred, length), IsCoherent))
                return DmaStatus.BusError;
            transferred += length;
        }

        return DmaStatus.Ok;
    }

    private DmaStatus Translate(in Requester requester, Iova address, DmaAccess access, int wanted, out PhysicalAddress target, out int length)
    {
        if (Passing(address, wanted) is var passing && passing == 0)
        {
            target = default;
            length = wanted;
            return DmaStatus.BusError;
        }

        wanted = passing;
        if (Unit is null)
        {
            target = OnBus(address);
            length = wanted;
            return DmaStatus.Ok;
        }

        var result = Unit.Translate(new BusRequest(requester, address, access, (uint)wanted));
        target = result.Address;
        length = result.Status == TranslationStatus.Ok ? (int)Math.Min((ulong)wanted, result.Length) : wanted;
        return result.Status switch
        {
            TranslationStatus.Ok => DmaStatus.Ok,
            TranslationStatus.Stalled => DmaStatus.Stalled,
            _ => DmaStatus.Refused,
        };
    }
}
