using Aperture.Core;
using Aperture.Datasheets.Sd;

namespace Aperture.Hardware.Masters;

/// <summary>Where a transfer stands in its ADMA2 table.</summary>
/// <param name="table">Device address of the first descriptor.</param>
internal struct SdAdmaCursor(uint table)
{
    /// <summary>The next descriptor.</summary>
    public uint Table { get; private set; } = table;

    /// <summary>The next byte of the current one.</summary>
    public Iova Address { get; private set; }

    /// <summary>Bytes left of it.</summary>
    public int Left { get; private set; }

    /// <summary>Whether the current one is the last.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Moves on by bytes of data.</summary>
    public void Advance(int bytes)
    {
        Address += (uint)bytes;
        Left -= bytes;
    }

    /// <summary>Goes on with a descriptor.</summary>
    public void Take(SdhciAdmaDescriptor descriptor)
    {
        IsAtEnd = descriptor.IsEnd && !descriptor.IsLink;
        Table = descriptor.IsLink ? descriptor.Address : Table + SdhciAdmaDescriptor.Size;
        if (!descriptor.IsTransfer)
            return;
        Address = new Iova(descriptor.Address);
        Left = descriptor.Length;
    }
}
