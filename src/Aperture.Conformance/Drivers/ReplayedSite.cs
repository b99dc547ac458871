using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Drivers;

/// <summary>Where a unit of a replay stands.</summary>
/// <param name="file">The recording.</param>
/// <param name="facts">What it tells of the unit.</param>
/// <param name="device">What our driver sees.</param>
/// <param name="model">The model that our driver programs.</param>
/// <param name="blocks">The replay's further blocks, by the name that the recording has for them.</param>
public sealed class ReplayedSite(
    VectorFile file, UnitFacts facts, Device device, TranslationUnit model, IDictionary<string, IMmioDevice> blocks)
{
    /// <summary>The recording.</summary>
    public VectorFile File => file;

    /// <summary>What it tells of the unit.</summary>
    public UnitFacts Facts => facts;

    /// <summary>The model that our driver programs.</summary>
    public TranslationUnit Model => model;

    /// <summary>Adds a further block's registers to the device, as the last region. Units that name the same block share it; its registers
    /// are compared with what <c>regmap</c> lines say.</summary>
    /// <param name="name">The block, as <c>regmap</c> lines call it.</param>
    /// <param name="make">Makes it at the first call.</param>
    public T AddBlock<T>(string name, Func<T> make)
        where T : class, IMmioDevice
    {
        ArgumentNullException.ThrowIfNull(make);
        if (!blocks.TryGetValue(name, out var block))
            blocks.Add(name, block = make());
        device.Registers.Add(new ModelRegisters(name, block));
        return (T)block;
    }
}
