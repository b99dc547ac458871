using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Tests.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>Faults that another thread handles: handlers of an input run on one thread, which may be busy with another's fault.</summary>
public sealed class HandledElsewhereTests
{
    [Fact]
    public async Task An_access_whose_fault_another_thread_was_handling_came_back_stalled()
    {
        const uint target = MsmRig.Ram + 0x20_0000;
        using var rig = new MsmRig(stallTurns: int.MaxValue).Start();
        rig.Map(0x2000, target + 0x1000);
        Assert.Equal(target + 0x1000, rig.Read(0x2000)); // this thread uses the unit, too
        using var raised = new ManualResetEventSlim();
        rig.Unit.Interrupt.Changed = level =>
        {
            if (level)
                raised.Set();
        };
        var access = Task.Factory.StartNew(() => rig.Read(0x1000), TaskCreationOptions.LongRunning);
        raised.Wait();
        rig.Map(0x1000, target);
        rig[0, MsmContextRegisters.Resume] = MsmContextRegisters.ResumeRetry;
        rig[0, MsmContextRegisters.FaultStatus] = (uint)rig.Fault();
        Assert.Equal(target, await access);
    }

    [Fact]
    public void A_thread_alone_waits_for_nobody()
    {
        using var rig = new MsmRig(stallTurns: int.MaxValue).Start();
        Assert.Null(rig.Read(0x1000));
        Assert.True(rig.Unit.Interrupt.IsAsserted);
        Assert.Null(rig.Read(0x1000));
    }

    [Fact]
    public void The_gate_of_a_thread_stayed_closed_when_an_access_threw()
    {
        using var rig = new MsmRig().Start();
        rig.Map(0x1000, MsmRig.Ram + 0x20_0000);
        var port = new DmaPort(rig.Bus, rig.Unit, new StreamId(0)) { Monitor = new Angry() };
        Assert.Throws<InvalidOperationException>(() => port.Write(new Iova(0x1000), [1], out _)); // a miss
        Assert.True(EventGate.IsOpen);
        Assert.Throws<InvalidOperationException>(() => port.Write(new Iova(0x1000), [1], out _)); // a hit
        Assert.True(EventGate.IsOpen);
    }

    private sealed class Angry : IDmaMonitor
    {
        public void OnRead(DmaPort port, Iova address, PhysicalAddress target, int length, DmaStatus status) =>
            throw new InvalidOperationException("read");

        public void OnWrite(DmaPort port, Iova address, PhysicalAddress target, ReadOnlySpan<byte> bytes, DmaStatus status) =>
            throw new InvalidOperationException("write");
    }
}
