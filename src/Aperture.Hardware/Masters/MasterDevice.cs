using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Masters;

/// <summary>A DMA master as silicon: a register block on the CPU's side, ports to memory on the other.</summary>
/// <remarks>Not thread-safe: register accesses and whatever else drives the master come from one thread at a time. An
/// interrupt handler may access registers while the master is at work on the same thread. A master that has no power or
/// clock, or is in reset, answers no register access and does no DMA.</remarks>
public abstract class MasterDevice : BusDevice;
