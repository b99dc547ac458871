using Aperture.Core;
using Aperture.Datasheets.DmaMaster;

namespace Aperture.Hardware.Masters;

/// <summary>Where one side of a command of the generic DMA master stands: in one range, or in a list of them.</summary>
internal struct DmaMasterCursor
{
    /// <summary>At the start of a range (no descriptors) or of a list.</summary>
    public DmaMasterCursor(int port, Iova address, ulong length, uint descriptors)
    {
        Port = port;
        Descriptors = descriptors;
        if (descriptors == 0)
        {
            Address = address;
            Left = length;
        }
        else
        {
            List = address;
        }
    }

    /// <summary>Number of the port.</summary>
    public readonly int Port { get; }

    /// <summary>The next byte of data.</summary>
    public Iova Address { get; private set; }

    /// <summary>Bytes left in the current range.</summary>
    public ulong Left { get; private set; }

    /// <summary>The next descriptor.</summary>
    public Iova List { get; private set; }

    /// <summary>How many descriptors are left.</summary>
    public uint Descriptors { get; private set; }

    /// <summary>Moves on by bytes of data.</summary>
    public void Advance(int bytes)
    {
        Address += (uint)bytes;
        Left -= (uint)bytes;
    }

    /// <summary>Goes to the range of the next descriptor.</summary>
    public void Take(DmaMasterDescriptor descriptor)
    {
        Address = new Iova(descriptor.Address);
        Left = descriptor.Length;
        List += DmaMasterDescriptor.Size;
        Descriptors--;
    }
}
