using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;

namespace Aperture.Linux.Tests.Vfio;

public sealed class CapabilityChainTests
{
    [Fact]
    public void Finds_a_capability_wherever_it_is_in_the_chain()
    {
        var answer = new byte[96];
        Put(answer, 24, id: 3, next: 40);
        Put(answer, 40, id: 1, next: 0);
        Assert.Equal(56, CapabilityChain.Find(answer, 24, 1).Length);
        Assert.Equal(72, CapabilityChain.Find(answer, 24, 3).Length);
        Assert.True(CapabilityChain.Find(answer, 24, 2).IsEmpty);
        Assert.True(CapabilityChain.Find(answer, 0, 3).IsEmpty);
    }

    [Theory]
    [InlineData(24)] // a circle
    [InlineData(90)] // half outside
    [InlineData(4000)] // outside
    public void Refuses_a_chain_that_breaks(uint next)
    {
        var answer = new byte[96];
        Put(answer, 24, id: 3, next);
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => CapabilityChain.Find(answer, 24, 1).Length).Status);
    }

    [Fact]
    public void Refuses_more_entries_than_there_is_room_for()
    {
        var capability = new byte[48];
        Assert.Equal(2, CapabilityChain.Entries<VfioIovaRange>(capability, 16, 2).Length);
        Assert.Throws<ApertureException>(() => CapabilityChain.Entries<VfioIovaRange>(capability, 16, 3).Length);
        Assert.Throws<ApertureException>(() => CapabilityChain.Entries<VfioIovaRange>(capability, 16, uint.MaxValue).Length);
    }

    private static void Put(byte[] answer, int at, ushort id, uint next) =>
        MemoryMarshal.Write(answer.AsSpan(at), new VfioCapabilityHeader { Id = id, Version = 1, Next = next });
}
