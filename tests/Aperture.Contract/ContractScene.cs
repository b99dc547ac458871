using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Contract;

/// <summary>What a check works with: a subject, the domains made for it, and looks through a master's eyes. Disposing it takes
/// the masters out and gives the domains back.</summary>
public sealed class ContractScene : IDisposable
{
    /// <summary>Bytes of the smallest page, whatever the unit.</summary>
    public const int Page = 4096;

    private readonly List<IommuDomain> _domains = [];                 // what is given back at the end
    private readonly Dictionary<ulong, HashSet<int>> _places = [];    // where in memory each page of device addresses ever led
    private ulong _stamp = 0x5EED_0000_0000_0001;                     // the next value that memory does not hold yet

    internal ContractScene(IContractSubject subject) => Subject = subject;

    /// <summary>Whom the contract binds.</summary>
    public IContractSubject Subject { get; }

    /// <summary>The first master.</summary>
    public IContractMaster Master => Subject.Masters[0];

    /// <summary>Where checks map: a multiple of 16 MiB that every master of at least 28 address bits reaches.</summary>
    public Iova Base { get; } = new(0x0100_0000);

    /// <summary>The second master.</summary>
    /// <exception cref="ContractException">There is none: not applicable.</exception>
    public IContractMaster Other => Subject.Masters.Count > 1 ? Subject.Masters[1]
        : throw new ContractException("there is one master only", isApplicable: false);

    /// <summary>An empty domain.</summary>
    public IommuDomain Domain()
    {
        var domain = Subject.Unit.CreateDomain(DomainType.Unmanaged);
        _domains.Add(domain);
        return domain;
    }

    /// <summary>An empty domain that the first master is in.</summary>
    public IommuDomain DomainInForce()
    {
        var domain = Domain();
        Master.Group.Attach(domain);
        return domain;
    }

    /// <summary>Switches the unit off or on.</summary>
    /// <exception cref="ContractException">The subject cannot: not applicable.</exception>
    public void Power(bool isOn, bool losesState) =>
        Require(Subject.TryPower(isOn, losesState), "the power of the unit is not the subject's to switch");

    /// <summary>Gives all domains of this scene back; none may be in force.</summary>
    public void LetGo()
    {
        foreach (var domain in _domains)
            domain.Dispose();
        _domains.Clear();
    }

    /// <summary>Maps a part of the memory.</summary>
    public Status TryMap(IommuDomain domain, Iova iova, int offset, int bytes = Page, Protection protection = Protection.ReadWrite)
    {
        ArgumentNullException.ThrowIfNull(domain);
        var status = domain.Map(iova, Subject.Memory + (ulong)offset, (ulong)bytes, protection);
        for (var at = 0; status == Status.Ok && at < bytes; at += Page)
            Places(iova + (ulong)at).Add((offset + at) / Page * Page);
        return status;
    }

    /// <summary>Maps a part of the memory, which must succeed.</summary>
    public void Map(IommuDomain domain, Iova iova, int offset, int bytes = Page, Protection protection = Protection.ReadWrite) =>
        Expect(Status.Ok, TryMap(domain, iova, offset, bytes, protection), $"a map of 0x{bytes:x} bytes at {iova}");

    /// <summary>Unmaps, and a number of bytes must go.</summary>
    public static void Unmap(IommuDomain domain, Iova iova, ulong bytes, ulong expected)
    {
        ArgumentNullException.ThrowIfNull(domain);
        Expect(expected, domain.Unmap(iova, bytes), $"bytes removed by an unmap of 0x{bytes:x} at {iova}");
    }

    /// <summary>A master reads and writes exactly the bytes at a place in memory.</summary>
    public void Reaches(IContractMaster master, Iova iova, int offset)
    {
        Reads(master, iova, offset);
        Writes(master, iova, offset);
    }

    /// <summary>A master reads the bytes at a place in memory.</summary>
    public void Reads(IContractMaster master, Iova iova, int offset)
    {
        ArgumentNullException.ThrowIfNull(master);
        Expect(StampAt(offset), Read(master, iova), $"what the device reads at {iova}, which leads to offset 0x{offset:x}");
    }

    /// <summary>A master writes the bytes at a place in memory.</summary>
    public void Writes(IContractMaster master, Iova iova, int offset)
    {
        ArgumentNullException.ThrowIfNull(master);
        StampAt(offset);
        Expect(Write(master, iova), Look(offset), $"what is in memory at offset 0x{offset:x} after the device wrote it at {iova}");
    }

    /// <summary>A master gets nothing from a device address, wherever it led before, and changes nothing there.</summary>
    public void IsRefused(IContractMaster master, Iova iova)
    {
        ReadIsRefused(master, iova);
        WriteIsRefused(master, iova);
    }

    /// <summary>A master gets nothing from a device address, wherever it led before.</summary>
    public void ReadIsRefused(IContractMaster master, Iova iova)
    {
        ArgumentNullException.ThrowIfNull(master);
        foreach (var offset in PlacesOf(iova))
        {
            if (Read(master, iova) == StampAt(offset))
                throw new ContractException($"the device read offset 0x{offset:x} of the memory at {iova}, which must lead nowhere");
        }
    }

    /// <summary>A master changes nothing through a device address, wherever it led before.</summary>
    public void WriteIsRefused(IContractMaster master, Iova iova)
    {
        ArgumentNullException.ThrowIfNull(master);
        var places = PlacesOf(iova);
        var stamps = places.ConvertAll(StampAt);
        Write(master, iova);
        for (var i = 0; i < places.Count; i++)
            Expect(stamps[i], Look(places[i]),
                $"what is in memory at offset 0x{places[i]:x} after a write to {iova}, which must lead nowhere");
    }

    /// <summary>Two values must be equal.</summary>
    /// <exception cref="ContractException">They are not; the message has both.</exception>
    public static void Expect<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new ContractException($"{what}: {actual} instead of {expected}");
    }

    /// <summary>A call must throw, and say why.</summary>
    public static void Throws(Status status, Action call, string what)
    {
        ArgumentNullException.ThrowIfNull(call);
        try
        {
            call();
        }
        catch (ApertureException e)
        {
            Expect(status, e.Status, $"{what} ({e.Message})");
            return;
        }

        throw new ContractException($"{what} went well instead of ending with {status}");
    }

    /// <summary>Ends a check that does not concern the subject.</summary>
    public static void Require(bool applies, string why)
    {
        if (!applies)
            throw new ContractException(why, isApplicable: false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var master in Subject.Masters)
        {
            if (master.Group.Domain is { } domain && _domains.Contains(domain))
                master.Group.Detach(domain);
        }

        foreach (var domain in _domains)
            domain.Dispose();
    }

    private HashSet<int> Places(Iova iova)
    {
        var page = iova.Value / Page;
        if (!_places.TryGetValue(page, out var places))
            _places.Add(page, places = []);
        return places;
    }

    /// <summary>Every place in memory that a device address ever led to; the start of the memory for one that never led anywhere.</summary>
    private List<int> PlacesOf(Iova iova)
    {
        var inPage = (int)(iova.Value % Page);
        var places = Places(iova);
        return places.Count == 0 ? [inPage] : [.. places.Select(place => place + inPage)];
    }

    private ulong StampAt(int offset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, ++_stamp);
        Subject.Store(offset, bytes);
        return _stamp;
    }

    private ulong Look(int offset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Subject.Load(offset, bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private static ulong Read(IContractMaster master, Iova iova)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        master.Read(iova, bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private ulong Write(IContractMaster master, Iova iova)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, ++_stamp);
        master.Write(iova, bytes);
        return _stamp;
    }
}
