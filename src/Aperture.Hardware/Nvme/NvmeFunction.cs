using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Pci;

namespace Aperture.Hardware.Nvme;

/// <summary>An NVMe controller as a PCI function: its registers are BAR 0, of 64 bits, and a message goes out for each vector. Source: NVM
/// Express 1.4, 2.1: class 0x010802.</summary>
public sealed class NvmeFunction : PciFunction
{
    /// <summary>A controller that is off.</summary>
    /// <param name="bus">The bus on the other side of its host.</param>
    /// <param name="options">What the controller is like; null for the usual.</param>
    /// <param name="function">What the function can do; an endpoint of PCI Express with MSI-X for all vectors of the controller when
    /// null. With fewer messages queues of other vectors raise none.</param>
    /// <param name="pace">How fast it works; null: a command at once.</param>
    /// <param name="namespaces">Its namespaces, numbered from 1 on.</param>
    /// <exception cref="ApertureException">There is no such function or controller.</exception>
    public NvmeFunction(
        SystemBus bus,
        NvmeOptions? options = null,
        PciFunctionOptions? function = null,
        MasterPace? pace = null,
        params NvmeNamespace[] namespaces)
        : base(
            bus,
            new PciIdentity((options ??= new NvmeOptions()).Vendor, options.Device) { ClassCode = NvmeRegister.PciClass },
            function ?? new PciFunctionOptions { MsixVectors = options.Vectors })
    {
        Controller = new NvmeController(Port, options, namespaces) { Pace = pace, Message = Send };
        AddBar(0, new PciBar(Controller.Size, true, (0u, Controller)));
        Connect(Controller.Interrupt, vector: null);
    }

    /// <summary>The controller itself.</summary>
    public NvmeController Controller { get; }

    private void Send(int vector)
    {
        if (vector < Messages.Count)
            Raise(vector);
    }
}
