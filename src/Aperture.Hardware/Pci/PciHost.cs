using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Pci;

/// <summary>A host bridge as <c>pci-host-ecam-generic</c> describes it: a window of configuration space (ECAM), windows of memory space,
/// and the root bus.</summary>
/// <remarks>
/// <para>Thread-safe. A write to configuration space has taken effect when it returns: accesses of functions that it shut out have
/// ended.</para>
/// <para>Source: PCI Express Base Specification, 7.2.2: bus, device, function and register in bits 27..20, 19..15, 14..12, 11..0 of an
/// address. Accesses of 1, 2 and 4 bytes.</para>
/// </remarks>
public sealed partial class PciHost : IMmioDevice
{
    private const int BusShift = 20;
    private const uint LargestPart = 1u << 31; // of a window, as a block on the system bus

    private readonly GatedLock _lock = new(LockRank.Unit);         // guards configuration spaces and what is on the buses
    private readonly Lock _ports = new();                          // held while ports are opened and closed
    private readonly Dictionary<PciAddress, PciUpstream> _upstreams = []; // what was asked so far

    /// <summary>A host.</summary>
    /// <param name="options">What it is like.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there is no such host.</exception>
    public PciHost(PciHostOptions? options = null)
    {
        Options = options ?? new PciHostOptions();
        Options.Validate();
        Root = new PciBus(this, Options.FirstBus);
        Lines = [.. Enumerable.Range(0, 4).Select(pin => new InterruptLine($"INT{(char)('A' + pin)}"))];
    }

    /// <summary>What it is like.</summary>
    public PciHostOptions Options { get; }

    /// <summary>The root bus.</summary>
    public PciBus Root { get; }

    /// <summary>The four INTx lines.</summary>
    public IReadOnlyList<InterruptLine> Lines { get; }

    /// <summary>Bytes of configuration space.</summary>
    public uint Size => (uint)(Options.LastBus - Options.FirstBus + 1) << BusShift;

    /// <summary>Who answers where.</summary>
    internal PciRoutes Routes { get; private set; } = PciRoutes.Empty;

    /// <summary>Puts the host on a bus.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="configuration">Where configuration space is.</param>
    /// <exception cref="ApertureException">There is no room for it or a window.</exception>
    public void AttachTo(SystemBus bus, PhysicalAddress configuration)
    {
        ArgumentNullException.ThrowIfNull(bus);
        bus.Attach(configuration, this);
        foreach (var window in Options.Windows)
        {
            // In parts that end at multiples of their largest size, so that no BAR is in two of them.
            for (ulong done = 0; done < window.Length;)
            {
                var at = window.First + done;
                var part = (uint)Math.Min(window.Length - done, LargestPart - (at % LargestPart));
                bus.Attach(window.Cpu + done, new PciWindow(this, at, part));
                done += part;
            }
        }
    }

    /// <summary>The function at an address, by the bus numbers that software has given.</summary>
    /// <returns>Null where configuration accesses would reach nobody.</returns>
    public PciFunction? Find(PciAddress address)
    {
        using (_lock.Hold())
            return FindHeld(address);
    }

    /// <inheritdoc/>
    public bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (width is not (1 or 2 or 4))
            return false;
        using (_lock.Hold())
            value = FindHeld(AddressOf(offset))?.Read(offset % PciRegisters.Size, width) ?? (1ul << (8 * width)) - 1;
        return true;
    }

    /// <inheritdoc/>
    public bool TryWrite(uint offset, int width, ulong value)
    {
        if (width is not (1 or 2 or 4))
            return false;
        PciFunction? function;
        var effects = ConfigurationEffects.None;
        List<PciFunction> reset = [];
        using (_lock.Hold())
        {
            function = FindHeld(AddressOf(offset));
            if (function is not null)
                effects = function.Write(offset % PciRegisters.Size, width, value);
            if ((effects & ConfigurationEffects.Reset) != 0)
                reset.Add(function!);
            if ((effects & ConfigurationEffects.SecondaryReset) != 0 && function is PciBridge bridge)
                reset.AddRange(Below(bridge.Secondary));
            if ((effects & ConfigurationEffects.SecondaryReset) != 0)
                reset.ForEach(other => other.ResetState());
            if (effects != ConfigurationEffects.None)
                Refresh();
            if (function is not null)
                LookAtLinesHeld();
        }

        if (effects != ConfigurationEffects.None)
            Apply(reset);
        return true;
    }

    private PciAddress AddressOf(uint offset) => new((ushort)((offset >> 12) + ((uint)Options.FirstBus << 8)));

    private PciFunction? FindHeld(PciAddress address)
    {
        var bus = Root;
        while (bus.Number != address.Bus)
        {
            PciBridge? next = null;
            foreach (var function in bus.Functions)
            {
                if (function is PciBridge bridge && bridge.LeadsTo(address.Bus))
                {
                    next = bridge;
                    break;
                }
            }

            if (next is null)
                return null;
            bus = next.Secondary;
            // A port passes on what is for device 0, and all only if it is told to.
            if (bus.Number == address.Bus && bus.Kind == PciBusKind.Link && address.Device != 0 && !next.Express!.ForwardsAri)
                return null;
        }

        return bus.At(address.Place);
    }

    /// <summary>Everything on a bus and behind it.</summary>
    private static IEnumerable<PciFunction> Below(PciBus bus)
    {
        foreach (var function in bus.Functions)
        {
            yield return function;
            if (function is not PciBridge bridge)
                continue;
            foreach (var other in Below(bridge.Secondary))
                yield return other;
        }
    }
}
