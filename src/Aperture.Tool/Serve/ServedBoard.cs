using Aperture.Boards;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Hardware.Virtio;
using Aperture.VfioUser;
using Aperture.VfioUser.Qemu;
using PciBar = Aperture.Hardware.Pci.PciBar;

namespace Aperture.Tool.Serve;

/// <summary>A guest's IOMMUs and disks, at sockets.</summary>
internal sealed class ServedBoard : IDisposable
{
    private const int HiddenFunction = 1; // of a slot without a function 0
    private const int Slots = 32;
    private const int PciInterrupts = 4;

    private readonly GuestMemory _memory = new();
    private readonly VfioUserServer _server;
    private readonly ServeEvents _events;
    private readonly string _folder;
    private readonly List<ServedFunction> _functions = [];

    public ServedBoard(ServeOptions options, ServeEvents events)
    {
        _events = events;
        _folder = Path.GetFullPath(options.Folder);
        var tree = BoardFile.Read(options.Tree);
        Machine = tree.Nodes().Any(node => node.IsCompatible("arm,armv8-timer")) ? QemuMachine.VirtArm64 : QemuMachine.VirtArm;
        var board = new HardwareBoard(tree, _memory.Bus);
        if (board.Units.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{options.Tree} has no IOMMU that is modelled");
        _server = new VfioUserServer(new VfioUserOptions { Observer = events });
        try
        {
            Starter = new QemuStarter(_folder);
            foreach (var unit in board.Units)
                Serve(unit);
            foreach (var node in tree.Devices().Where(node => node.IsCompatible("virtio,mmio") && node.Has("iommus")))
                Serve(board, node, new byte[options.DiskMiB << 20]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>QEMU's machine.</summary>
    public QemuMachine Machine { get; }

    /// <summary>What starts a guest.</summary>
    public QemuStarter? Starter { get; }

    /// <summary>What is served.</summary>
    public IReadOnlyList<ServedFunction> Functions => _functions;

    /// <summary>Waits for a guest, and lets it run when its blocks are where they belong.</summary>
    public Task StartGuestAsync(CancellationToken cancellation) =>
        Starter!.StartAsync(Machine, _functions.SelectMany(function => function.Places), cancellation);

    /// <summary>Waits until the guest has gone.</summary>
    public Task GuestEnded(CancellationToken cancellation) => _events.AllGoneAsync(cancellation);

    public void Dispose()
    {
        _server.Dispose();
        Starter?.Dispose();
        _memory.Dispose();
    }

    private void Serve(HardwareUnit unit)
    {
        var function = Add(unit.Node, unit.Blocks, (served, slot, places, socket) =>
            new ServedFunction(served, socket, slot, places, unit.Model, null));
        foreach (var line in unit.Model.Interrupts)
            function.Connect(line);
        // Its driver may have released what the unit held back.
        function.Accessed = () =>
        {
            foreach (var served in _functions)
                served.Disk?.TryAgain();
        };
    }

    private void Serve(HardwareBoard board, DeviceTreeNode node, byte[] content)
    {
        if (node.Registers() is not [{ Address: { } address }, ..])
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: a disk needs a 'reg' that the CPU can reach");
        var port = board.PortOf(node);
        var unit = board.Units.First(each => each.Model == port.Unit);
        port.Monitor = new PortWatch(_events, node.DeviceName, unit.Node.DeviceName);
        var disk = new VirtioDisk(port, content);
        var function = Add(node, [new HardwareBlock(address, disk)], (served, slot, places, socket) =>
            new ServedFunction(served, socket, slot, places, null, disk));
        function.Connect(disk.Interrupt);
    }

    private PciFunction Add(
        DeviceTreeNode node, IReadOnlyList<HardwareBlock> blocks,
        Func<PciFunction, int, IReadOnlyList<QemuPlacement>, string, ServedFunction> describe)
    {
        var slot = SlotOf(node);
        var bars = blocks.Select(block => new PciBar(block.Device)).ToArray();
        var places = blocks.Select((block, i) => Place(node, slot, i, block, bars[i].Size)).ToList();
        var function = new PciFunction(node.DeviceName, _memory, PciIdentity.PlatformBlock, bars);
        var socket = Path.Combine(_folder, $"{node.DeviceName}.sock");
        _functions.Add(describe(function, slot, places, socket));
        _server.Serve(socket, function);
        return function;
    }

    private QemuPlacement Place(DeviceTreeNode node, int slot, int bar, HardwareBlock block, uint size)
    {
        var address = block.Address.Value;
        if (address % size != 0 || address < Machine.FirstAddress || address + size - 1 > Machine.LastAddress)
        {
            throw new ApertureException(Status.OutOfRange, $"{node.Path}: registers at 0x{address:x} cannot be a BAR of 0x{size:x} bytes: "
                + $"those are from 0x{Machine.FirstAddress:x} to 0x{Machine.LastAddress:x}, and aligned");
        }

        return new QemuPlacement(slot, HiddenFunction, bar, (uint)address);
    }

    /// <summary>The next slot whose INTA is the node's interrupt.</summary>
    private int SlotOf(DeviceTreeNode node)
    {
        var number = node.Interrupts() is [{ Arguments: [0, var shared, ..] }, ..] ? (int)shared - QemuMachine.FirstInterrupt : -1;
        if (number is < 0 or >= PciInterrupts)
        {
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: its interrupt must be one of PCI's: shared interrupt "
                + $"{QemuMachine.FirstInterrupt} to {QemuMachine.FirstInterrupt + PciInterrupts - 1}");
        }

        for (var slot = number == 0 ? PciInterrupts : number; slot < Slots; slot += PciInterrupts)
        {
            if (!_functions.Exists(function => function.Slot == slot))
                return slot;
        }

        throw new ApertureException(Status.NoSpace, $"{node.Path}: no slot with its interrupt is left");
    }
}
