using System.Numerics;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Iommu;

namespace Aperture.Drivers.Pci;

/// <summary>The message interrupts of a function: MSI-X where it has that, else MSI. A vector is set up when its interrupt gets its first
/// handler, and masked when the last one goes.</summary>
/// <remarks>Behind an IOMMU the page to which messages go is mapped for the device like any other; with the first vector, as the device
/// has its address space by then. For a driver that manages its device's address space itself it is mapped in the domain that is in force
/// by then (<see cref="IommuGroup.MapDoorbell"/>).</remarks>
internal sealed class PciVectors : IDisposable
{
    private const ulong DoorbellPage = 4096;

    private readonly PciConfiguration _configuration;
    private readonly IMessageController _controller;
    private readonly IReadOnlyList<IReadOnlyList<InterruptMessage>> _blocks; // as they were allocated
    private readonly InterruptMessage[] _messages;
    private readonly uint _capability;
    private readonly RegisterRegion? _table; // of MSI-X; null for MSI
    private readonly uint _tableOffset;
    private readonly Lock _lock = new(); // guards everything below, and the registers
    private readonly bool[] _used;
    private Device? _device;
    private DmaMapping _doorbell;
    private bool _isMapped;
    private DoorbellMapping? _ownDoorbell; // of a device without a DMA API

    private PciVectors(
        PciConfiguration configuration,
        IMessageController controller,
        IReadOnlyList<IReadOnlyList<InterruptMessage>> blocks,
        uint capability,
        RegisterRegion? table,
        uint tableOffset)
    {
        _configuration = configuration;
        _controller = controller;
        _blocks = blocks;
        _messages = [.. blocks.SelectMany(block => block)];
        _capability = capability;
        _table = table;
        _tableOffset = tableOffset;
        _used = new bool[_messages.Length];
    }

    /// <summary>The interrupts, by vector.</summary>
    public IEnumerable<Interrupt> Interrupts => _messages.Select(message => message.Interrupt);

    /// <summary>Whether they are MSI-X.</summary>
    public bool IsMsix => _table is not null;

    /// <summary>Takes messages for a function, as many as it has vectors and there are.</summary>
    /// <param name="configuration">The function.</param>
    /// <param name="bars">Its BARs' registers by their numbers.</param>
    /// <param name="controller">Where messages arrive.</param>
    /// <param name="most">Vectors at most.</param>
    /// <returns>Null for a function without messages, and where there are none left.</returns>
    public static PciVectors? TryCreate(
        PciConfiguration configuration, IReadOnlyDictionary<int, RegisterRegion> bars, IMessageController controller, int most)
    {
        if (configuration.Find(CapabilityId.Msix) is > 0 and var msix)
        {
            var table = configuration.Read32(msix + MsixRegisters.Table);
            var vectors = new MsixControl(configuration.Read16(msix + MsixRegisters.Control)).Vectors;
            if (bars.TryGetValue((int)(table & MsixRegisters.BarMask), out var region)
                && AllocateSingly(controller, Math.Min(vectors, most)) is { Count: > 0 } singles)
                return new PciVectors(configuration, controller, singles, msix, region, table & ~MsixRegisters.BarMask);
        }

        if (configuration.Find(CapabilityId.Msi) is not (> 0 and var msi))
            return null;
        var wanted = Math.Min(new MsiControl(configuration.Read16(msi + MsiRegisters.Control)).Vectors, most);
        for (var count = 1 << BitOperations.Log2((uint)wanted); count > 0; count /= 2)
        {
            if (controller.TryAllocate(count) is { } block)
                return new PciVectors(configuration, controller, [block], msi, null, 0);
        }

        return null;
    }

    /// <summary>Whose interrupts they are.</summary>
    public void Connect(Device device)
    {
        _device = device;
        for (var i = 0; i < _messages.Length; i++)
        {
            var vector = i;
            _messages[i].Interrupt.Used = isUsed => Use(vector, isUsed);
        }
    }

    /// <summary>Sends nothing any more, and gives the messages back.</summary>
    public void Dispose()
    {
        foreach (var message in _messages)
            message.Interrupt.Used = null;
        lock (_lock)
        {
            Array.Clear(_used);
            Stop();
        }

        foreach (var block in _blocks)
            _controller.Free(block);
    }

    private static List<IReadOnlyList<InterruptMessage>> AllocateSingly(IMessageController controller, int count)
    {
        var blocks = new List<IReadOnlyList<InterruptMessage>>();
        while (blocks.Count < count && controller.TryAllocate(1) is { } block)
            blocks.Add(block);
        return blocks;
    }

    private void Use(int vector, bool isUsed)
    {
        lock (_lock)
        {
            if (isUsed && !_used.Contains(true))
                Start();
            _used[vector] = isUsed;
            try
            {
                Mask(vector, !isUsed);
            }
            catch (BusErrorException) when (!isUsed)
            {
                // It is gone, and sends nothing.
            }

            if (!_used.Contains(true))
                Stop();
        }
    }

    /// <summary>Says where messages go, all masked, and switches them on.</summary>
    private void Start()
    {
        MapDoorbell();
        for (var vector = 0; vector < _messages.Length; vector++)
            Mask(vector, true);
        if (_table is not null)
        {
            for (var vector = 0; vector < _messages.Length; vector++)
            {
                var (address, entry) = (AddressOf(vector), Entry(vector));
                _table.Write32(entry + MsixRegisters.Address, (uint)address);
                _table.Write32(entry + MsixRegisters.UpperAddress, (uint)(address >> 32));
                _table.Write32(entry + MsixRegisters.Data, _messages[vector].Data);
            }

            _configuration.Update16(_capability + MsixRegisters.Control, MsixControl.Enable, MsixControl.MaskAll);
            return;
        }

        var control = new MsiControl(_configuration.Read16(_capability + MsiRegisters.Control));
        var first = AddressOf(0);
        _configuration.Write32(_capability + MsiRegisters.Address, (uint)first);
        if (control.IsWide)
            _configuration.Write32(_capability + MsiRegisters.UpperAddress, (uint)(first >> 32));
        _configuration.Write16(
            _capability + (control.IsWide ? MsiRegisters.Data : MsiRegisters.NarrowData), (ushort)_messages[0].Data);
        var enabled = (ushort)(BitOperations.Log2((uint)_messages.Length) << 4 | MsiControl.Enable);
        _configuration.Update16(_capability + MsiRegisters.Control, enabled, MsiControl.EnabledMask);
    }

    private void MapDoorbell()
    {
        if (_device is not { } device)
            return;
        if (device.Driver is { ManagesOwnDma: true } || device.Dma.Path == "none")
        {
            // Its driver manages its address space: whatever domain is in force, the page has a place in it, and keeps it when the
            // DMA API has left that domain.
            _ownDoorbell = device.Iommu?.Group.MapDoorbell(_messages[0].Address);
            return;
        }

        var page = new PhysicalAddress(_messages[0].Address.Value & ~(DoorbellPage - 1));
        try
        {
            _doorbell = device.Dma.MapResource(page, DoorbellPage, DmaDirection.FromDevice);
            _isMapped = true;
        }
        catch (ApertureException) when (device.Iommu is null)
        {
            // Beyond what the device reaches by DMA; a message does not care, and nothing stands in its way.
        }
    }

    /// <summary>Switches messages off; a function that is gone takes no notice.</summary>
    private void Stop()
    {
        var (register, bit) = IsMsix
            ? (_capability + MsixRegisters.Control, MsixControl.Enable)
            : (_capability + MsiRegisters.Control, MsiControl.Enable);
        if (_configuration.IsPresent)
            _configuration.Update16(register, 0, bit);
        if (_isMapped)
            _doorbell.Dispose();
        _isMapped = false;
        _ownDoorbell?.Dispose();
        _ownDoorbell = null;
    }

    private void Mask(int vector, bool isMasked)
    {
        if (_table is not null)
        {
            _table.Write32(Entry(vector) + MsixRegisters.EntryControl, isMasked ? MsixRegisters.EntryMasked : 0);
            return;
        }

        var control = new MsiControl(_configuration.Read16(_capability + MsiRegisters.Control));
        if (!control.HasMasks)
            return;
        var register = _capability + (control.IsWide ? MsiRegisters.Mask : MsiRegisters.Mask - 4);
        var masks = _configuration.Read32(register);
        _configuration.Write32(register, isMasked ? masks | 1u << vector : masks & ~(1u << vector));
    }

    /// <summary>Where a vector's message goes, as the device sees it.</summary>
    private ulong AddressOf(int vector)
    {
        var address = _messages[vector].Address.Value;
        if (_ownDoorbell is { } own)
            return own.Address.Value + (address - _messages[0].Address.Value);
        return _isMapped ? _doorbell.Address.Value + (address & (DoorbellPage - 1)) : address;
    }

    private uint Entry(int vector) => _tableOffset + ((uint)vector * MsixRegisters.EntryLength);
}
