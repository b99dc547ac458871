using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Fimc;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Emulators.Tests; // in Aperture.Hardware names such as SmmuV3 would be namespaces, as they are not for others

/// <summary>The example of docs/units/fimc.md.</summary>
public class FimcEmulatorTests
{
    [Fact]
    public void The_example_of_its_page_works()
    {
        using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x4000_0000), 16 << 20));
        var bus = new SystemBus(ram);
        var lines = new bool[256]; // the inputs of the guest's interrupt controller
        var fimc = new Fimc(new DmaPort(bus)); // behind an IOMMU: new DmaPort(bus, unit)
        bus.Attach(new PhysicalAddress(0x1180_0000), fimc);
        fimc.Interrupt.Changed = level => lines[84] = level;

        // What the guest's CPU stores: a picture of 4 x 4 pixels, as it is, and the interrupt at the end.
        void Store(uint register, uint value) => bus.TryWriteRegister(new PhysicalAddress(0x1180_0000 + register), 4, value);
        Store(FimcRegisters.GlobalControl, FimcGlobalControl.IrqEnable);
        Store(FimcRegisters.SourceY, 0x4000_0000);
        Store(FimcRegisters.SourceSize, FimcRegisters.Pair(4, 4));
        Store(FimcRegisters.RealSourceSize, FimcRegisters.Pair(4, 4));
        Store(FimcRegisters.TargetY, 0x4010_0000);
        Store(FimcRegisters.TargetSize, FimcRegisters.Pair(4, 4));
        Store(FimcRegisters.TargetFormat, FimcTargetFormat.ForRgb(4, 4, false, false).Value);
        Store(FimcRegisters.ScalerControl,
            FimcScalerControl.For(0, 0, FimcRgbFormat.Rgb888, FimcRgbFormat.Rgb888).Value | FimcScalerControl.Bypass);
        Store(FimcRegisters.ImageCapture, FimcRegisters.CaptureEnable);
        Store(FimcRegisters.MemoryControl, FimcMemoryControl.FromMemory | FimcMemoryControl.Rgb | FimcMemoryControl.Enable);

        Assert.True(lines[84]);
    }
}
