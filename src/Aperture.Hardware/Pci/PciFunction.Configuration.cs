using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

// Configuration space as its host reaches it. The host's lock is held.
public partial class PciFunction
{
    private PowerCapability? _power; // null where it is always in D0

    /// <summary>PCI Express of the function; null of a conventional one.</summary>
    internal ExpressCapability? Express { get; private set; }

    /// <summary>Software reads.</summary>
    internal ulong Read(uint offset, int width)
    {
        foreach (var capability in _capabilities)
        {
            if (capability.Touches(offset, width))
                capability.BeforeRead();
        }

        return Configuration.Read(offset, width);
    }

    /// <summary>Software writes.</summary>
    /// <returns>What has to follow.</returns>
    internal ConfigurationEffects Write(uint offset, int width, ulong value)
    {
        Configuration.Write(offset, width, value);
        var effects = offset < PciRegisters.FirstCapability ? ConfigurationEffects.Routes : ConfigurationEffects.None;
        var write = new ConfigurationWrite(offset, width, value);
        foreach (var capability in _capabilities)
        {
            if (capability.Touches(offset, width))
                effects |= capability.AfterWrite(write);
        }

        if ((effects & ConfigurationEffects.Reset) != 0)
            ResetState();
        return effects | AfterWrite(write);
    }

    /// <summary>After a write, of a bridge.</summary>
    private protected virtual ConfigurationEffects AfterWrite(in ConfigurationWrite write) => ConfigurationEffects.None;

    /// <summary>Registers hold what they do after a reset. <see cref="ResetBlocks"/> belongs to it, once no lock is held.</summary>
    internal void ResetState()
    {
        Configuration.Reset();
        foreach (var capability in _capabilities)
            capability.Reset();
    }

    /// <summary>Resets the blocks in the BARs. No lock is held.</summary>
    internal void ResetBlocks()
    {
        foreach (var block in Blocks)
        {
            block.SetReset(true);
            block.SetReset(false);
        }

        OnReset();
    }

    /// <summary>Lets the clocks of the blocks run in D0 only.</summary>
    internal void ApplyPower()
    {
        foreach (var block in Blocks)
        {
            if (block.IsClocked != IsOn)
                block.IsClocked = IsOn;
        }
    }

    /// <summary>Function 0 of a device says whether there are more.</summary>
    internal void SetMultiFunction(bool isOne) =>
        Configuration.Define8(PciRegisters.HeaderType, (byte)(_header | (isOne ? PciRegisters.MultiFunction : 0)));
}
