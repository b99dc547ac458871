using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;

// An emulator's side of an OMAP MMU: RAM, a bus, the unit at its address, a master's port behind it.
using var ram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 20));
var bus = new SystemBus(ram);
var mmu = new OmapMmu(bus, OmapMmuOptions.Omap3Isp);
bus.Attach(new PhysicalAddress(0x480B_D400), mmu);
mmu.Interrupt.Changed = active => Console.WriteLine($"interrupt line {(active ? "up" : "down")}");
var camera = new DmaPort(bus, mmu);

// The guest's side: a section at 0x10000000, the table base, and the enable bits.
BitConverter.TryWriteBytes(ram.Span(new PhysicalAddress(0x8000_4000 + (0x100 * 4)), 4), 0x8010_0002);
bus.TryWriteRegister(new PhysicalAddress(0x480B_D400 + OmapRegisters.TableBase), 4, 0x8000_4000);
bus.TryWriteRegister(new PhysicalAddress(0x480B_D400 + OmapRegisters.IrqEnable), 4, 0x1E);
bus.TryWriteRegister(new PhysicalAddress(0x480B_D400 + OmapRegisters.Control), 4, 6);

Console.WriteLine(camera.Write(new Iova(0x1000_0010), "hello"u8, out _));                        // Ok
Console.WriteLine(System.Text.Encoding.ASCII.GetString(ram.Span(new PhysicalAddress(0x8010_0010), 5))); // hello
Console.WriteLine(camera.Write(new Iova(0x2000_0000), "hello"u8, out _));                        // Stalled, and the line goes up
