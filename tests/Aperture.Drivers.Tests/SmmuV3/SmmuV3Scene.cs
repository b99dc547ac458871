using Aperture.Core;
using Aperture.Devices;
using Aperture.Drivers.SmmuV3;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>A unit that is on, and masters with processes behind it.</summary>
internal sealed class SmmuV3Scene : IDisposable
{
    public const ulong Page = 4096;
    public static readonly Iova At = new(0x1000_0000);

    private int _masters = 40; // numbers of streams that the board's own masters do not have

    public SmmuV3Scene(SmmuV3Options options, SmmuV3DriverOptions? driver = null)
    {
        Board = new SmmuV3Board(options, driver);
        Unit = Board.AddUnit();
        Unit.On();
    }

    public SmmuV3Board Board { get; }

    public UnitOnBoard Unit { get; }

    public SmmuV3Unit Driver => (SmmuV3Unit)Unit.Unit;

    public Hardware.SmmuV3.SmmuV3 Model => (Hardware.SmmuV3.SmmuV3)Unit.Model;

    public PhysicalAddress Data => Board.Data;

    public void Dispose() => Board.Dispose();

    public (Device Device, DmaPort Port) AddMaster(int pasidBits = 0, bool hasAts = false)
    {
        var stream = (uint)_masters++;
        var device = new Device($"rich{stream}")
        {
            Description = new DeviceDescription
            {
                Identity = new MasterIdentity
                {
                    Units = [new IommuSpecifier(Unit.Device, "smmu", [stream])],
                    PasidBits = pasidBits,
                    HasAts = hasAts,
                },
            },
        };
        Board.Core.AddMaster(device);
        Board.Core.Configure(device);
        return (device, new DmaPort(Board.Bus, Unit.Model, new StreamId(stream)));
    }

    public IommuDomain NewDomain(ulong offset, TranslationStages stage = TranslationStages.None, ulong size = Page)
    {
        var domain = Driver.CreateDomain(new DomainRequest(DomainType.Unmanaged) { Stage = stage });
        Assert.Equal(Status.Ok, domain.Map(At, Data + offset, size, Protection.ReadWrite));
        return domain;
    }

    public void Mark(ulong offset, byte value) => Board.Memory.Span(Data + offset, 1)[0] = value;

    /// <summary>What an access reads; null where it is refused.</summary>
    public static byte? Read(DmaPort port, Iova at, uint? pasid = null)
    {
        Span<byte> bytes = stackalloc byte[1];
        var requester = new Requester(port.Stream, pasid is { } number ? new Pasid(number) : null);
        return port.Read(requester, at, bytes, out _) == DmaStatus.Ok ? bytes[0] : null;
    }
}
