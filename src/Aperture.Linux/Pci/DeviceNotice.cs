namespace Aperture.Linux.Pci;

/// <summary>What the kernel says about an open device. Unless somebody sets <see cref="IsHandled"/> the device is closed when all have
/// heard of it.</summary>
/// <param name="device">The device.</param>
/// <param name="kind">What happened.</param>
public sealed class DeviceNotice(HostDevice device, DeviceNoticeKind kind)
{
    /// <summary>The device.</summary>
    public HostDevice Device { get; } = device;

    /// <summary>What happened.</summary>
    public DeviceNoticeKind Kind { get; } = kind;

    /// <summary>Whether somebody takes care of it. A device that is wanted back must be closed soon
    /// (<see cref="HostMachine.Close(HostDevice)"/>): the kernel waits for it, and asks again every few seconds.</summary>
    public bool IsHandled { get; set; }
}
