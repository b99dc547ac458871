using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Devices;

namespace Aperture.Drivers.Nvme;

// Registers: reset, enable, shutdown. Source: NVM Express 1.4, 3.1 and 7.6.
public sealed partial class NvmeClient
{
    private const uint AllOnes = uint.MaxValue; // what a function that is gone reads as

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1);

    private NvmeCapabilities _capabilities;

    internal uint SubmissionTail(int queue) => NvmeRegister.Doorbells + ((uint)(2 * queue) << _capabilities.DoorbellShift);

    internal uint CompletionHead(int queue) => NvmeRegister.Doorbells + ((uint)((2 * queue) + 1) << _capabilities.DoorbellShift);

    private TimeSpan ReadyLimit => TimeSpan.FromMilliseconds(Math.Max(500, _capabilities.Timeout.TotalMilliseconds));

    private void ReadCapabilities()
    {
        var low = Registers.Read32(NvmeRegister.Capabilities);
        var high = Registers.Read32(NvmeRegister.Capabilities + 4);
        if (low == AllOnes && high == AllOnes)
            throw new ApertureException(Status.NoDevice, $"{Device.Name} does not answer: all its registers read as ones");
        _capabilities = new NvmeCapabilities(low | ((ulong)high << 32));
        if (!_capabilities.HasNvm)
            throw new ApertureException(Status.NotSupported, $"{Device.Name} has no NVM command set: CAP is 0x{_capabilities.Value:x16}");
        if (_capabilities.SmallestPageShift > 12)
            throw new ApertureException(
                Status.NotSupported, $"{Device.Name} has no pages of 4096 bytes; its smallest have 2^{_capabilities.SmallestPageShift}");
    }

    /// <summary>Resets the controller and switches it on with its admin queue, which is empty.</summary>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: it does not stop or become ready in time;
    /// <see cref="Status.IoError"/>: it says that it failed; <see cref="Status.NoDevice"/>: it is gone.</exception>
    private void Enable(NvmeAdminQueue admin)
    {
        ReadCapabilities();
        Disable();
        Unstop();
        _wasEnabled = true;
        admin.Rewind();
        var entries = (uint)admin.Entries - 1;
        Registers.Write32(NvmeRegister.AdminQueueAttributes, entries | (entries << 16));
        Write64(NvmeRegister.AdminSubmissionQueue, admin.SubmissionAddress);
        Write64(NvmeRegister.AdminCompletionQueue, admin.CompletionAddress);
        Registers.Write32(NvmeRegister.Configuration, NvmeConfiguration.Enable(12).Value);
        WaitReady(true);
    }

    /// <summary>Resets the controller: it does no DMA afterwards, and has forgotten its queues.</summary>
    private void Disable()
    {
        var configuration = Registers.Read32(NvmeRegister.Configuration);
        if (configuration == AllOnes)
            throw new ApertureException(Status.NoDevice, $"{Device.Name} does not answer any more");
        if ((configuration & NvmeConfiguration.EnableBit) != 0)
            Registers.Write32(NvmeRegister.Configuration, configuration & ~(NvmeConfiguration.EnableBit | (3u << 14)));
        WaitReady(false);
    }

    private void WaitReady(bool isReady)
    {
        var isDone = Time.WaitUntil((Client: this, IsReady: isReady), static it =>
        {
            var status = it.Client.ReadStatus();
            return (it.IsReady && (status & NvmeControllerStatus.Fatal) != 0)
                || ((status & NvmeControllerStatus.Ready) != 0) == it.IsReady;
        }, Interval, ReadyLimit);
        var status = ReadStatus();
        if (isReady && (status & NvmeControllerStatus.Fatal) != 0)
            throw new ApertureException(Status.IoError, $"{Device.Name} failed while it was switched on: CSTS is 0x{(uint)status:x}");
        if (!isDone)
            throw new ApertureException(Status.TimedOut,
                $"{Device.Name} did not become {(isReady ? "ready" : "quiet")} within {ReadyLimit.TotalMilliseconds:0} ms: "
                + $"CSTS is 0x{(uint)status:x}");
    }

    /// <summary>CSTS.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it reads as ones.</exception>
    private NvmeControllerStatus ReadStatus()
    {
        var value = Registers.Read32(NvmeRegister.Status);
        return value != AllOnes ? (NvmeControllerStatus)value
            : throw new ApertureException(Status.NoDevice, $"{Device.Name} does not answer any more");
    }

    /// <summary>Tells the controller that power may go; it takes what time it needs, up to the limit.</summary>
    private void Shutdown()
    {
        var configuration = Registers.Read32(NvmeRegister.Configuration);
        if (configuration == AllOnes || (configuration & NvmeConfiguration.EnableBit) == 0)
            return;
        Registers.Write32(NvmeRegister.Configuration, (configuration & ~(3u << 14)) | NvmeConfiguration.ShutdownBit);
        Time.WaitUntil(this, static client =>
            ((uint)client.ReadStatus() & (3u << 2)) == (uint)NvmeControllerStatus.ShutDown, Interval, ReadyLimit);
    }

    private void Write64(uint offset, ulong value)
    {
        Registers.Write32(offset, (uint)value);
        Registers.Write32(offset + 4, (uint)(value >> 32));
    }
}
