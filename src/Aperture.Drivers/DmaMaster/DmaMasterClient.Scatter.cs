using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.DmaMaster;

/// <summary>Commands over several ranges, which the master takes from a list in memory.</summary>
public sealed partial class DmaMasterClient
{
    private CoherentBuffer _sourceList;      // descriptors that SOURCE points at; empty until the first scattered command
    private CoherentBuffer _destinationList; // the same for DESTINATION

    /// <summary>Writes the pattern over several ranges as if they were one.</summary>
    /// <param name="port">Which port, for the data and for the list of the ranges.</param>
    /// <param name="segments">The ranges; all their bytes are written.</param>
    /// <param name="seed">Which pattern; see <see cref="DmaMasterPattern"/>.</param>
    /// <param name="position">Place in the pattern of the first byte.</param>
    /// <exception cref="ApertureException">No memory for the list.</exception>
    public DmaMasterResult Fill(int port, ReadOnlySpan<DmaSegment> segments, ulong seed, ulong position = 0) =>
        Execute(
            DmaMasterCommand.Fill, Ports(0, port), default, List(ref _destinationList, segments), TotalLength(segments), seed, position);

    /// <summary>Reads several ranges as if they were one and compares with the pattern.</summary>
    /// <inheritdoc cref="Fill(int, ReadOnlySpan{DmaSegment}, ulong, ulong)"/>
    public DmaMasterResult Verify(int port, ReadOnlySpan<DmaSegment> segments, ulong seed, ulong position = 0) =>
        Execute(DmaMasterCommand.Verify, Ports(port, 0), List(ref _sourceList, segments), default, TotalLength(segments), seed, position);

    /// <summary>Reads several ranges as if they were one; the result has the checksum.</summary>
    /// <inheritdoc cref="Fill(int, ReadOnlySpan{DmaSegment}, ulong, ulong)"/>
    public DmaMasterResult Read(int port, ReadOnlySpan<DmaSegment> segments) =>
        Execute(DmaMasterCommand.Read, Ports(port, 0), List(ref _sourceList, segments), default, TotalLength(segments), 0, 0);

    /// <summary>Copies several ranges to several others; their borders need not meet.</summary>
    /// <param name="sourcePort">The port to read through.</param>
    /// <param name="source">The ranges to read; their bytes in all are what is copied.</param>
    /// <param name="destinationPort">The port to write through.</param>
    /// <param name="destination">The ranges to write; in all no fewer bytes.</param>
    /// <exception cref="ApertureException">No memory for the lists.</exception>
    public DmaMasterResult Copy(
        int sourcePort, ReadOnlySpan<DmaSegment> source, int destinationPort, ReadOnlySpan<DmaSegment> destination) => Execute(
            DmaMasterCommand.Copy, Ports(sourcePort, destinationPort),
            List(ref _sourceList, source), List(ref _destinationList, destination), TotalLength(source), 0, 0);

    private static ulong TotalLength(ReadOnlySpan<DmaSegment> segments)
    {
        ulong total = 0;
        foreach (var segment in segments)
            total += segment.Length;
        return total;
    }

    private Side List(ref CoherentBuffer list, ReadOnlySpan<DmaSegment> segments)
    {
        if (segments.Length > (int)DmaMasterRegisters.MaxDescriptors)
            throw new ApertureException(Status.InvalidArgument,
                $"{_device.Name} takes at most {DmaMasterRegisters.MaxDescriptors} segments, not {segments.Length}");
        if (segments.IsEmpty)
            return default;
        var bytes = segments.Length * DmaMasterDescriptor.Size;
        if (list.Length < bytes)
        {
            var larger = _device.Dma.Allocate(int.Max(4096, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)bytes)));
            list.Dispose();
            list = larger;
        }

        for (var i = 0; i < segments.Length; i++)
            new DmaMasterDescriptor(segments[i].Address.Value, segments[i].Length).Write(list.Span[(i * DmaMasterDescriptor.Size)..]);
        return new Side(list.Address, (uint)segments.Length);
    }

    private void FreeLists()
    {
        _sourceList.Dispose();
        _destinationList.Dispose();
        _sourceList = _destinationList = default;
    }
}
