using System.Text;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Linux.Pci;
using Aperture.Power;

namespace Aperture.GuestTests;

/// <summary>As much of an NVMe controller's driver as tells its serial number (NVM Express Base Specification 1.4: registers in section
/// 3.1, Identify in section 5.15).</summary>
internal sealed class Nvme : IDriver
{
    public const uint Capabilities = 0x00;
    public const uint Configuration = 0x14;
    public const uint Status = 0x1C;
    private const uint AdminQueueAttributes = 0x24;
    private const uint SubmissionQueue = 0x28;
    private const uint CompletionQueue = 0x30;
    private const uint SubmissionDoorbell = 0x1000;

    public string Name => "nvme";

    public IReadOnlyList<string> Compatible => [HostDevice.CompatibleOf(0x1b36, 0x0010)];

    /// <summary>Brings the controller up with queues of sixteen.</summary>
    public static void Enable(RegisterRegion registers, Iova submissions, Iova completions)
    {
        registers.Write32(Configuration, 0);
        SpinWait.SpinUntil(() => (registers.Read32(Status) & 1) == 0);
        registers.Write32(AdminQueueAttributes, 0x000F_000F);
        registers.Write64(SubmissionQueue, submissions.Value);
        registers.Write64(CompletionQueue, completions.Value);
        registers.Write32(Configuration, 0x0046_0001); // entries of 64 and 16 bytes, enabled
        SpinWait.SpinUntil(() => (registers.Read32(Status) & 1) == 1);
    }

    public IBoundDriver Probe(Device device)
    {
        device.Dma.SetMask(64);
        return device.Manage(new Controller(device));
    }

    internal sealed class Controller : IBoundDriver, IDisposable
    {
        private readonly Device _device;
        private readonly PowerHold _power;
        private readonly CoherentBuffer _submissions;
        private readonly CoherentBuffer _completions;
        private readonly IDisposable _handler;

        public Controller(Device device)
        {
            _device = device;
            _power = device.Power.Hold();
            _submissions = device.Dma.Allocate(4096);
            _completions = device.Dma.Allocate(4096);
            _handler = device.Interrupts[0].Request(() => InterruptResult.Handled);
            Enable(device.Registers[0], _submissions.Address, _completions.Address);
        }

        public string Serial()
        {
            using var page = _device.Dma.Allocate(4096);
            var command = _submissions.Span[..64];
            command[0] = 6; // Identify
            command[2] = 1; // the command's number
            BitConverter.TryWriteBytes(command[24..], page.Address.Value);
            command[40] = 1; // the controller
            var next = _device.Interrupts[0].NextAsync();
            _device.Registers[0].Write32(SubmissionDoorbell, 1);
            next.Wait();
            Check.Equal(0, _completions.Span[14] >> 1); // status
            Check.Equal(1, _completions.Span[12]); // number
            return Encoding.ASCII.GetString(page.Span.Slice(4, 20)).Trim();
        }

        public void Dispose()
        {
            _device.Registers[0].Write32(Configuration, 0);
            _handler.Dispose();
            _submissions.Dispose();
            _completions.Dispose();
            _power.Dispose();
        }
    }
}
