using System.Runtime.InteropServices;
using Aperture.Linux.Native;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.Linux.Tests.Vfio;

/// <summary>Sizes and offsets of the kernel's structures, on 64-bit machines (VFIO's user interface, linux/vfio.h of Linux 6.12).</summary>
public sealed class AbiTests
{
    public static TheoryData<Type, int, string> Layouts => new()
    {
        { typeof(VfioCapabilityHeader), 8, "Id=0 Version=2 Next=4" },
        { typeof(VfioGroupStatus), 8, "ArgumentSize=0 Flags=4" },
        { typeof(VfioDeviceInfo), 24, "ArgumentSize=0 Flags=4 RegionCount=8 InterruptCount=12 CapabilityOffset=16 Reserved=20" },
        { typeof(VfioRegionInfo), 32, "ArgumentSize=0 Flags=4 Index=8 CapabilityOffset=12 Size=16 Offset=24" },
        { typeof(VfioSparseMap), 16, "Header=0 AreaCount=8 Reserved=12" },
        { typeof(VfioArea), 16, "Offset=0 Size=8" },
        { typeof(VfioInterruptInfo), 16, "ArgumentSize=0 Flags=4 Index=8 Count=12" },
        { typeof(VfioInterruptSet), 20, "ArgumentSize=0 Flags=4 Index=8 Start=12 Count=16" },
        { typeof(VfioIommuInfo), 24, "ArgumentSize=0 Flags=4 PageSizes=8 CapabilityOffset=16 Reserved=20" },
        { typeof(VfioRangesCapability), 16, "Header=0 Count=8 Reserved=12" },
        { typeof(VfioIovaRange), 16, "Start=0 End=8" },
        { typeof(VfioAvailableCapability), 12, "Header=0 Available=8" },
        { typeof(VfioDmaMap), 32, "ArgumentSize=0 Flags=4 Address=8 Iova=16 Size=24" },
        { typeof(VfioDmaUnmap), 24, "ArgumentSize=0 Flags=4 Iova=8 Size=16" },
        { typeof(PollEntry), 8, "File=0 Events=4 Returned=6" },
        { typeof(ResourceLimit), 16, "Current=0 Maximum=8" },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Structures_lie_as_the_kernel_has_them(Type type, int size, string offsets)
    {
        Assert.Equal(size, Marshal.SizeOf(type));
        Assert.Equal(offsets, string.Join(' ', type.GetFields().Select(field => $"{field.Name}={Marshal.OffsetOf(type, field.Name)}")));
    }

    [Fact]
    public void Every_structure_is_checked_here()
    {
        var all = typeof(VfioDmaMap).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(VfioDmaMap).Namespace && type is { IsValueType: true, IsEnum: false });
        Assert.Empty(all.Except(Layouts.Select(row => (Type)row[0])));
    }

    [Theory]
    [InlineData(VfioIoctl.GetApiVersion, 100)]
    [InlineData(VfioIoctl.CheckExtension, 101)]
    [InlineData(VfioIoctl.SetIommu, 102)]
    [InlineData(VfioIoctl.GroupGetStatus, 103)]
    [InlineData(VfioIoctl.GroupSetContainer, 104)]
    [InlineData(VfioIoctl.GroupUnsetContainer, 105)]
    [InlineData(VfioIoctl.GroupGetDevice, 106)]
    [InlineData(VfioIoctl.DeviceGetInfo, 107)]
    [InlineData(VfioIoctl.DeviceGetRegionInfo, 108)]
    [InlineData(VfioIoctl.DeviceGetInterruptInfo, 109)]
    [InlineData(VfioIoctl.DeviceSetInterrupts, 110)]
    [InlineData(VfioIoctl.DeviceReset, 111)]
    [InlineData(VfioIoctl.IommuGetInfo, 112)]
    [InlineData(VfioIoctl.IommuMap, 113)]
    [InlineData(VfioIoctl.IommuUnmap, 114)]
    public void Requests_are_numbers_behind_a_semicolon(uint request, int number) => Assert.Equal(((uint)';' << 8) | (uint)number, request);
}
