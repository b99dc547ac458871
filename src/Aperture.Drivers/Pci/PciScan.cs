using Aperture.Datasheets.Pci;
using Aperture.Devices;

namespace Aperture.Drivers.Pci;

/// <summary>Finds what is on a host's buses, depth first, and gives buses their numbers on the way.</summary>
internal sealed class PciScan
{
    private readonly RegisterRegion _space;
    private readonly byte _first;
    private readonly byte _last;
    private readonly List<PciFunctionInfo> _found = [];
    private readonly List<string> _problems;
    private int _next; // the next bus number to give

    private PciScan(RegisterRegion space, byte first, byte last, List<string> problems)
    {
        _space = space;
        (_first, _last) = (first, last);
        _next = first + 1;
        _problems = problems;
    }

    /// <summary>Everything that is there, in order of address on each bus, what is behind a bridge right behind it.</summary>
    public static IReadOnlyList<PciFunctionInfo> Run(RegisterRegion space, byte first, byte last, List<string> problems)
    {
        var scan = new PciScan(space, first, last, problems);
        scan.Bus(first, null);
        return scan._found;
    }

    private void Bus(byte bus, PciFunctionInfo? bridge)
    {
        // On a link there is device 0 only, whatever else seems to answer.
        var devices = bridge?.Express is ExpressPort.RootPort or ExpressPort.DownstreamPort ? 1 : PciAddress.Devices;
        for (var device = 0; device < devices; device++)
            Device(bus, device, bridge);
    }

    private void Device(byte bus, int device, PciFunctionInfo? bridge)
    {
        if (!TryRead(new PciAddress(bus, device, 0), bridge, out var first))
            return;
        List<PciFunctionInfo> functions = [first];
        if ((first.Configuration.Read8(PciRegisters.HeaderType) & PciRegisters.MultiFunction) != 0)
        {
            for (var number = 1; number < PciAddress.Functions; number++)
            {
                if (TryRead(new PciAddress(bus, device, number), bridge, out var function))
                    functions.Add(function);
            }
        }

        foreach (var function in functions)
        {
            function.DeviceFunctions = functions;
            _found.Add(function);
            // Off until everything has its place; bridges pass on configuration accesses all the same.
            function.Configuration.Update16(
                PciRegisters.Command, 0, (ushort)(PciCommand.MemorySpace | PciCommand.BusMaster | PciCommand.IoSpace));
            if (function.IsBridge)
                Behind(function);
        }
    }

    private bool TryRead(PciAddress address, PciFunctionInfo? bridge, out PciFunctionInfo function)
    {
        var configuration = new PciConfiguration(_space, _first, address);
        function = null!;
        if (!configuration.IsPresent)
            return false;
        function = new PciFunctionInfo(configuration, bridge);
        return true;
    }

    private void Behind(PciFunctionInfo bridge)
    {
        var registers = bridge.Configuration;
        if (_next > _last)
        {
            _problems.Add($"{bridge}: there is no bus number left for what is behind it");
            registers.Write8(BridgeRegisters.SecondaryBus, 0);
            registers.Write8(BridgeRegisters.SubordinateBus, 0);
            return;
        }

        bridge.Secondary = (byte)_next++;
        registers.Write8(BridgeRegisters.PrimaryBus, (byte)bridge.Address.Bus);
        registers.Write8(BridgeRegisters.SecondaryBus, bridge.Secondary);
        registers.Write8(BridgeRegisters.SubordinateBus, _last);
        Bus(bridge.Secondary, bridge);
        registers.Write8(BridgeRegisters.SubordinateBus, (byte)(_next - 1));
    }
}
