using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>A master with one port for each of its ids on each of its units. It reads and writes words.</summary>
public sealed record MasterOnBoard(UnitBoard Board, Device Device, DmaPort[] Ports)
{
    public IommuGroup Group => Device.Iommu!.Group;

    public DmaStatus TryRead(Iova iova, out ulong value, int port = 0)
    {
        Span<byte> bytes = stackalloc byte[8];
        var status = Ports[port].Read(iova, bytes, out _);
        value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return status;
    }

    public DmaStatus TryWrite(Iova iova, ulong value, int port = 0)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Ports[port].Write(iova, bytes, out _);
    }

    /// <summary>Both directions reach exactly the memory at an address, through every port.</summary>
    public void Reaches(Iova iova, PhysicalAddress address)
    {
        for (var port = 0; port < Ports.Length; port++)
        {
            var stamp = (address.Value << 16) | (uint)port | 0x8000;
            BinaryPrimitives.WriteUInt64LittleEndian(Board.Memory.Span(address, 8), stamp);
            Board.Memory.Cache?.Clean(address, 8);
            Assert.Equal(DmaStatus.Ok, TryRead(iova, out var read, port));
            Assert.Equal(stamp, read);
            Assert.Equal(DmaStatus.Ok, TryWrite(iova, ~stamp, port));
            Board.Memory.Cache?.CleanInvalidate(address, 8);
            Assert.Equal(~stamp, BinaryPrimitives.ReadUInt64LittleEndian(Board.Memory.Span(address, 8)));
        }
    }

    /// <summary>No port gets through: the access is stalled where the unit says that it can stall, else refused. The fault is reported
    /// where it happened. The units are then brought up afresh, as a fault that nobody mends leaves them stalling everything: after that no
    /// cache holds anything, so of several addresses that an unmap took only the first that is asked for tells something.</summary>
    public void IsRefused(Iova iova)
    {
        for (var port = 0; port < Ports.Length; port++)
        {
            var before = Board.Core.FaultCount;
            var canStall = Device.Iommu!.Ports.First(master => Board.ModelOf(master.Unit) == Ports[port].Unit).Unit.Capabilities.CanStall;
            Assert.Equal(canStall ? DmaStatus.Stalled : DmaStatus.Refused, TryRead(iova, out _, port));
            Assert.Equal(before + 1, Board.Core.FaultCount);
            var report = Board.Core.Faults[^1];
            Assert.Equal(iova, report.Address);
            Assert.Equal(FaultReason.NotMapped, report.Reason);
            Assert.Same(Device, report.Device);
            Assert.Same(Ports[port].Unit, Board.ModelOf(report.Unit));
            report.Unit.Device.Power.Put();
            report.Unit.Device.Power.Get();
        }
    }
}
