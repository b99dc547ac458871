using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Datasheets.Pci;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;
using Aperture.Drivers.AtsEndpoint;
using Aperture.Drivers.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Boards.Running;

/// <summary>A device in the hands of guests, one after the other: each keeps tables of its own over the memory that it was given, maps and
/// unmaps in them, and says so; the host takes memory from it meanwhile.</summary>
public sealed class NestedGuestScenario : IScenario
{
    private const int Guests = 2;
    private const int Rounds = 200;
    private const int PageBytes = 4096;
    private const int MemoryOrder = 6; // pages of a guest's memory, as a logarithm
    private const ulong GuestStart = 0x4000_0000;
    private const ulong DeviceStart = 0x12_3456_0000;

    /// <inheritdoc/>
    public string Name => "nested-guest";

    /// <inheritdoc/>
    public string Description => "guests with tables of their own over the host's drive a device";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Find(machine).Any();
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var devices = Find(machine).ToArray();
        if (devices.Length == 0)
            throw new ApertureException(Status.NoDevice, "the board has no device that a guest could have behind a unit that nests");
        var lines = new List<string>();
        var isOk = true;
        foreach (var device in devices)
        {
            for (var guest = 1; guest <= Guests; guest++)
            {
                var trouble = Run(machine, device, new Random(guest));
                isOk &= trouble is null;
                lines.Add($"{device.Name}: guest {guest}, {Rounds} maps and unmaps of its own"
                    + (trouble is null ? "" : $": {trouble}"));
            }
        }

        return new ScenarioResult(Name, isOk, lines);
    }

    private static IEnumerable<Device> Find(Machine machine) => machine.PciDevices.Where(device =>
        device is { Bound: AtsEndpointClient, Iommu: { Ports: [{ Unit: SmmuV3Unit { Capabilities.Nesting: true } }] } });

    private static string? Run(Machine machine, Device device, Random random)
    {
        if (!machine.Pages.TryAllocate(MemoryOrder, new PhysicalAddress(ulong.MaxValue), out var memory))
            return "there is no memory for it";
        machine.Memory.Span(memory, PageBytes << MemoryOrder).Clear();
        var group = device.Iommu!.Group;
        var before = group.Domain!;
        using var parent = device.Iommu.CreateDomain(new DomainRequest(DomainType.Unmanaged) { Stage = TranslationStages.Second });
        try
        {
            var status = parent.Map(new Iova(GuestStart), memory, (ulong)PageBytes << MemoryOrder, Protection.ReadWrite | Protection.Cache);
            if (status != Status.Ok)
                return $"its memory cannot be mapped: {status}";
            var space = new GuestSpace(machine.Memory, memory, GuestStart);
            space.WriteContext(asid: 1);
            if (DoorbellOf(machine, device) is { } doorbell && before.TryTranslate(doorbell, out var frame))
            {
                // Its messages go through both stages as well: the guest's driver maps the page, and the host gives it the frame.
                const ulong page = GuestStart + ((ulong)PageBytes << MemoryOrder);
                status = parent.Map(new Iova(page), frame, PageBytes, Protection.Write | Protection.Read | Protection.Mmio);
                if (status != Status.Ok)
                    return $"its messages cannot be mapped: {status}";
                space.Map(doorbell.Value, page);
            }

            using var nested = (NestedDomain)device.Iommu.CreateDomain(
                new DomainRequest(DomainType.Nested) { Parent = parent, GuestTable = space.StreamEntry });
            group.Replace(nested);
            try
            {
                return Work(machine, (AtsEndpointClient)device.Bound!, parent, nested, space, memory, random);
            }
            finally
            {
                group.Replace(before);
            }
        }
        finally
        {
            machine.Pages.Free(memory, MemoryOrder);
        }
    }

    private static string? Work(
        Machine machine,
        AtsEndpointClient client,
        IommuDomain parent,
        NestedDomain nested,
        GuestSpace space,
        PhysicalAddress memory,
        Random random)
    {
        Span<byte> written = stackalloc byte[64];
        Span<byte> read = stackalloc byte[64];
        for (var round = 0; round < Rounds; round++)
        {
            var page = random.Next(GuestSpace.OwnPages, 1 << MemoryOrder);
            var (address, offset) = (DeviceStart + ((ulong)random.Next(64) * PageBytes), random.Next(PageBytes - written.Length));
            var (intermediate, place) = (GuestStart + ((ulong)page * PageBytes), memory + ((ulong)page * PageBytes));
            var at = new Iova(address + (ulong)offset);
            space.Map(address, intermediate);
            random.NextBytes(written);
            if (client.Write(at, written) is not AtsEndpointResult.Done and var result)
                return $"a page that the guest mapped cannot be written: {result}";
            if (!machine.Memory.Span(place + (ulong)offset, written.Length).SequenceEqual(written))
                return "the device wrote elsewhere";

            // The host takes the page, and gives it back.
            if (random.Next(4) == 0)
            {
                parent.Unmap(new Iova(intermediate), PageBytes);
                if (client.Read(at, read) == AtsEndpointResult.Done)
                    return "the device reads what the host has taken";
                if (parent.Map(new Iova(intermediate), place, PageBytes, Protection.ReadWrite | Protection.Cache) != Status.Ok)
                    return "the host cannot give a page back";
            }

            if (client.Read(at, read) != AtsEndpointResult.Done || !read.SequenceEqual(written))
                return "the device does not read what it wrote";
            space.Map(address, null);
            if (Invalidate(nested, address) is not Status.Ok and var status)
                return $"the guest's invalidation is {status}";
            if (client.Read(at, read) == AtsEndpointResult.Done)
                return "the device reads what the guest has unmapped";
        }

        return null;
    }

    /// <summary>The page to which a device sends its messages; null where it has none.</summary>
    private static Iova? DoorbellOf(Machine machine, Device device)
    {
        var configuration = machine.PciHosts.SelectMany(host => host.Bridge?.Devices ?? [])
            .First(function => function.Device == device).Configuration;
        var msi = configuration.Find(CapabilityId.Msi);
        if (msi == 0)
            return null;
        var isWide = new MsiControl(configuration.Read16(msi + MsiRegisters.Control)).IsWide;
        var address = configuration.Read32(msi + MsiRegisters.Address)
            | (isWide ? (ulong)configuration.Read32(msi + MsiRegisters.UpperAddress) << 32 : 0);
        return new Iova(address & ~(PageBytes - 1UL));
    }

    /// <summary>What a guest's driver writes into its command queue after an unmap.</summary>
    private static Status Invalidate(NestedDomain nested, ulong address)
    {
        Span<byte> commands = stackalloc byte[2 * SmmuV3Command.Bytes];
        SmmuV3Command[] both =
        [
            SmmuV3Command.TlbPage(SmmuV3Opcode.TlbAddress, 0, 1, address, leafOnly: true),
            SmmuV3Command.DropAtc(0, null, address, 0),
        ];
        for (var i = 0; i < both.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(commands[(i * SmmuV3Command.Bytes)..], both[i].Low);
            BinaryPrimitives.WriteUInt64LittleEndian(commands[((i * SmmuV3Command.Bytes) + sizeof(ulong))..], both[i].High);
        }

        return nested.Invalidate(commands, out _);
    }
}
