using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Drivers.Edu;
using Aperture.Linux;
using Aperture.Linux.Hosts;
using Aperture.Linux.Pci;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Host;

/// <summary>The command <c>aperture host selftest</c>.</summary>
internal static class HostSelfTest
{
    /// <summary>Tests a device and leaves it where it was.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(LinuxHost host, string address, bool isDry, bool unsafeNoIommu, TextWriter output)
    {
        var function = host.Find(address);
        if (isDry)
            return HostBinding.Bind(host, [address], true, unsafeNoIommu, output);
        var isOurs = !function.IsVfio;
        if (isOurs)
            host.Bind(address, unsafeNoIommu);
        try
        {
            var problems = host.Explain(address, unsafeNoIommu);
            if (problems.Any(problem => problem.IsFatal))
            {
                var fatal = problems.Where(problem => problem.IsFatal).Select(problem => problem.ToString());
                throw new ApertureException(Status.NotPermitted, string.Join("; ", fatal));
            }
            foreach (var problem in problems)
                output.WriteLine($"{HostBinding.Label(problem)}: {problem}");
            return Test(host.Find(address), unsafeNoIommu, output) ? 0 : 1;
        }
        finally
        {
            if (isOurs)
                output.WriteLine($"given back to {host.Unbind(address) ?? "no driver"}");
        }
    }

    private static bool Test(PciFunction function, bool unsafeNoIommu, TextWriter output)
    {
        using var machine = new HostMachine();
        machine.Drivers.Register(new EduDriver());
        machine.Drivers.Register(new AnyDriver(HostDevice.CompatibleOf(function.Vendor, function.Device)));
        var opened = machine.Open(function.Address, new HostDeviceOptions { UnsafeNoIommu = unsafeNoIommu });
        var device = opened.Device;
        if (device.Bound is null)
            throw new ApertureException(Status.NoDevice, string.Join("; ", machine.Drivers.Log));
        var reach = $"{device.Iommu!.Ports[0].Unit.Name}, addresses up to {device.Iommu.Domain!.ApertureEnd}";
        output.WriteLine($"opened: {device.Registers.Count} regions, {device.Interrupts.Count} interrupts ({opened.Interrupts}), {reach}");
        var holds = true;
        if (function.IsNoIommu)
        {
            Step("a map is refused", () => IsRefused(device));
            if (device.Bound is EduClient free)
                Step("an interrupt", () => free.RaiseInterrupt(1));
            if (opened.CanReset)
                Step("a reset", opened.Reset);
            output.WriteLine("skipped: DMA and confinement; there is no IOMMU");
            return holds;
        }

        Step("map and unmap a page", () => Maps(device, 4096));
        Step("map and unmap 4 MiB", () => Maps(device, 4 << 20));
        Step("map and unmap pages that are not contiguous", () => Scatters(device));
        if (device.Bound is EduClient edu)
        {
            Step("DMA both ways", () => Moves(edu));
            Step("an interrupt", () => edu.RaiseInterrupt(1));
            Step("what was unmapped is out of reach", () => Confines(edu, DmaDirection.Bidirectional, isUnmapped: true));
            Step("what may be read cannot be written", () => Confines(edu, DmaDirection.ToDevice, isUnmapped: false));
        }
        else
        {
            output.WriteLine("skipped: DMA and confinement; no driver here knows the device");
        }

        return holds;

        void Step(string name, Action action)
        {
            try
            {
                action();
                output.WriteLine($"ok: {name}");
            }
            catch (ApertureException e)
            {
                holds = false;
                output.WriteLine($"failed: {name}: {e.Message}");
            }
        }
    }

    private static void IsRefused(Device device)
    {
        var memory = device.Dma.Memory.Allocate(4096);
        var status = device.Dma.TryMap(memory, DmaDirection.ToDevice, out _);
        device.Dma.Memory.Free(memory);
        Require(status == Status.NoDevice, $"without an IOMMU a map was not refused ({status})");
    }

    private static void Maps(Device device, int bytes)
    {
        using var buffer = device.Dma.Allocate(bytes);
        Require(device.Iommu!.Domain!.TryTranslate(buffer.Address, out _), "the domain does not know what was mapped");
    }

    private static void Scatters(Device device)
    {
        var blocks = Enumerable.Range(0, 4).Select(_ => device.Dma.Memory.Allocate(4096)).Reverse().ToArray();
        using (var mapping = device.Dma.MapScatter(blocks, new DmaSegment[4], DmaDirection.Bidirectional))
            Require(mapping.Segments.Length == 1, "the pages are not one range for the device");
        Array.ForEach(blocks, block => device.Dma.Memory.Free(block));
    }

    private static void Moves(EduClient edu)
    {
        using var buffer = edu.Device.Dma.Allocate(4096);
        new Random(1).NextBytes(buffer.Span[..2048]);
        edu.Load(buffer.Address, 0, 2048);
        edu.Store(0, buffer.Address + 2048, 2048);
        Require(buffer.Span[..2048].SequenceEqual(buffer.Span[2048..]), "the bytes did not come back");
    }

    private static void Confines(EduClient edu, DmaDirection direction, bool isUnmapped)
    {
        var memory = edu.Device.Dma.Memory.Allocate(4096);
        memory.Span.Fill(0x5A);
        var mapping = edu.Device.Dma.Map(memory, direction);
        if (isUnmapped)
            mapping.Dispose();
        edu.TryStore(0, mapping.Address, 64);
        Require(!memory.Span.ContainsAnyExcept((byte)0x5A), "the device wrote there");
        if (!isUnmapped)
            mapping.Dispose();
        edu.Device.Dma.Memory.Free(memory);
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new ApertureException(Status.IoError, otherwise);
    }

    /// <summary>Takes a device and leaves it alone.</summary>
    private sealed class AnyDriver(string compatible) : IDriver, IBoundDriver
    {
        public string Name => "selftest";

        public IReadOnlyList<string> Compatible => [compatible];

        public IBoundDriver Probe(Device device) => this;
    }
}
