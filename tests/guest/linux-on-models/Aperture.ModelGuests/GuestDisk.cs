using Aperture.Core;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Nvme;
using Aperture.Hardware.Translation;
using Aperture.Hardware.Virtio;
using Aperture.VfioUser;
using PciBar = Aperture.Hardware.Pci.PciBar;

namespace Aperture.ModelGuests;

/// <summary>A disk of ours, as a guest sees it.</summary>
internal abstract class GuestDisk
{
    /// <summary>How it is called in the guest.</summary>
    public abstract string Node { get; }

    /// <summary>The modules that its driver is made of.</summary>
    public abstract IReadOnlyList<string> Modules { get; }

    /// <summary>What is on it.</summary>
    public abstract Memory<byte> Content { get; }

    /// <summary>Requests that were done.</summary>
    public abstract long Requests { get; }

    /// <summary>Bytes of data that were moved.</summary>
    public abstract long Bytes { get; }

    /// <summary>Goes on with what the unit has held back.</summary>
    public abstract void TryAgain();

    /// <summary>The function that carries it.</summary>
    public abstract PciFunction Carry(GuestMemory memory);

    /// <summary>A disk with the registers of "virtio,mmio".</summary>
    /// <param name="port">Its way to memory.</param>
    /// <param name="content">What is on it.</param>
    /// <param name="stray">Where it goes astray once, when its last sector is read.</param>
    public static GuestDisk Virtio(DmaPort port, byte[] content, Iova stray) => new VirtioGuestDisk(port, content, stray);

    /// <summary>An NVMe controller as a PCI function that the guest itself finds.</summary>
    /// <inheritdoc cref="Virtio"/>
    public static GuestDisk Nvme(DmaPort port, byte[] content, Iova stray) => new NvmeGuestDisk(port, content, stray);

    private sealed class VirtioGuestDisk(DmaPort port, byte[] content, Iova stray) : GuestDisk
    {
        private readonly VirtioDisk _disk = new(port, content)
        {
            Stray = new VirtioStrayAccess((ulong)(content.Length / 512) - 1, stray, IsWrite: false),
        };

        public override string Node => "/dev/vda";

        public override IReadOnlyList<string> Modules => ["virtio_mmio", "virtio_blk"];

        public override Memory<byte> Content => _disk.Content;

        public override long Requests => _disk.Requests;

        public override long Bytes => _disk.Bytes;

        public override void TryAgain() => _disk.TryAgain();

        public override PciFunction Carry(GuestMemory memory) => Connect(
            new PciFunction("disk", memory, PciIdentity.PlatformBlock, new PciBar(_disk)), _disk);
    }

    private sealed class NvmeGuestDisk : GuestDisk
    {
        private readonly NvmeController _disk;

        public NvmeGuestDisk(DmaPort port, byte[] content, Iova stray)
        {
            var last = (ulong)(content.Length / 512) - 1;
            var isAstray = false;
            Span<byte> NoBytes() => new byte[8];
            _disk = new NvmeController(port, null, new NvmeNamespace(content))
            {
                Inject = (queue, command) =>
                {
                    if (queue == 0 || command.Opcode != 2 || command.FirstBlock > last || command.FirstBlock + (ulong)command.Blocks <= last
                        || command.Blocks > 8 || isAstray)
                        return null;
                    isAstray = true;
                    port.Read(stray, NoBytes(), out _);
                    return null;
                },
            };
        }

        public override string Node => "/dev/nvme0n1";

        public override IReadOnlyList<string> Modules => ["nvme"];

        public override Memory<byte> Content => _disk.Namespaces[0].Content;

        public override long Requests => (long)_disk.Commands;

        public override long Bytes => (long)_disk.DataBytes;

        public override void TryAgain() => _disk.TryAgain();

        public override PciFunction Carry(GuestMemory memory) => Connect(
            new PciFunction("disk", memory, new PciIdentity(0x1AE0, 0x0001) { ClassCode = 0x010802 }, new PciBar(_disk)), _disk);
    }

    private static PciFunction Connect(PciFunction function, BusDevice disk)
    {
        function.Connect(disk.Interrupt);
        return function;
    }
}
