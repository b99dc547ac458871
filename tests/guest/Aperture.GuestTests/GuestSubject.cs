using Aperture.Contract;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Drivers.Edu;
using Aperture.Iommu;
using Aperture.Linux;

namespace Aperture.GuestTests;

/// <summary>The kernel's IOMMU through VFIO, with the educational devices as masters.</summary>
internal sealed class GuestSubject : IContractSubject, IDisposable
{
    private static readonly Iova Window = new(0x0FF0_0000); // where a master finds its scratch page while it has one

    private readonly HostMachine _machine = new();
    private readonly MemoryBlock _memory;

    public GuestSubject(Guest guest)
    {
        _machine.Drivers.Register(new OwnDomainDriver());
        _memory = _machine.Memory.Allocate(4 << 20);
        Masters = [.. guest.Edus.Select(address => new EduMaster(_machine, _machine.Open(address).Device))];
        Unit = _machine.Devices[0].Device.Iommu!.Ports[0].Unit;
        Name = $"type1 ({guest.Kind})";
    }

    public string Name { get; }

    public IommuUnit Unit { get; }

    public IReadOnlyList<IContractMaster> Masters { get; }

    public PhysicalAddress Memory => _memory.Address;

    public int MemoryBytes => _memory.Length;

    public IReadOnlyDictionary<string, string> Differences { get; } = new Dictionary<string, string>();

    public void Store(int offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(_memory.Span[offset..]);

    public void Load(int offset, Span<byte> bytes) => _memory.Span.Slice(offset, bytes.Length).CopyTo(bytes);

    public void Dispose() => _machine.Dispose();

    /// <summary>The ordinary driver, in a domain that somebody else makes.</summary>
    private sealed class OwnDomainDriver : IDriver
    {
        private readonly EduDriver _inner = new(addressBits: 64);

        public string Name => _inner.Name;

        public IReadOnlyList<string> Compatible => _inner.Compatible;

        public bool ManagesOwnDma => true;

        public IBoundDriver Probe(Device device) => _inner.Probe(device);
    }

    /// <summary>Accesses go through the device's buffer. What it holds comes from and goes to a scratch page, which is mapped in the domain
    /// in force beside everything else, or in one of its own while none is.</summary>
    private sealed class EduMaster(HostMachine machine, Device device) : IContractMaster
    {
        private readonly EduClient _edu = Guest.Client(machine, device);
        private readonly MemoryBlock _scratch = machine.Memory.Allocate(4096);
        private readonly IommuDomain _own = device.Iommu!.Ports[0].Unit.CreateDomain(DomainType.Unmanaged);

        public IommuGroup Group => device.Iommu!.Group;

        public Iova Highest => device.Name.EndsWith("10.0", StringComparison.Ordinal) ? new(ulong.MaxValue) : new((1 << 28) - 1);

        public void Read(Iova address, Span<byte> bytes)
        {
            var length = bytes.Length;
            _edu.Load(address, 0, length, EduWait.Poll);
            WithScratch(() => _edu.Store(0, Window, length, EduWait.Poll));
            _scratch.Span[..length].CopyTo(bytes);
        }

        public void Write(Iova address, ReadOnlySpan<byte> bytes)
        {
            var length = bytes.Length;
            bytes.CopyTo(_scratch.Span);
            WithScratch(() => _edu.Load(Window, 0, length, EduWait.Poll));
            _edu.Store(0, address, length, EduWait.Poll);
        }

        private void WithScratch(Action action)
        {
            var domain = Group.Domain is { IsPaging: true } inForce ? inForce : _own;
            if (domain == _own)
                Group.Attach(_own);
            if (domain.Map(Window, _scratch.Address, 4096, Protection.ReadWrite) is not Status.Ok and var status)
                throw new ApertureException(status, $"the scratch page could not be mapped ({status})");
            try
            {
                action();
            }
            finally
            {
                Check.Equal(4096UL, domain.Unmap(Window, 4096));
                if (domain == _own)
                    Group.Detach(_own);
            }
        }
    }
}
