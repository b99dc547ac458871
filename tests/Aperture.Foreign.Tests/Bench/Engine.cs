using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Foreign.Tests.Bench;

/// <summary>The device of all these drivers, whatever it plays: it reads and writes where it is told, and walks rings of
/// descriptors.</summary>
internal sealed class Engine(DmaPort port) : MasterDevice
{
    /// <summary>Accesses that did not succeed.</summary>
    public int Failures { get; private set; }

    /// <summary>What was written to its first register last.</summary>
    public ulong Doorbell { get; private set; }

    public override uint Size => 0x1000;

    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = Doorbell;
        return Answers;
    }

    public override bool TryWrite(uint offset, int width, ulong value)
    {
        Doorbell = value;
        return Answers;
    }

    public DmaStatus Write(Iova at, ReadOnlySpan<byte> bytes) => Count(port.Write(at, bytes, out _));

    public byte[] Read(Iova at, int length)
    {
        var bytes = new byte[length];
        Count(port.Read(at, bytes, out _));
        return bytes;
    }

    public void Write(ReadOnlySpan<DmaSegment> segments, ReadOnlySpan<byte> bytes)
    {
        foreach (var segment in segments)
        {
            var part = Math.Min(bytes.Length, (int)segment.Length);
            Write(segment.Address, bytes[..part]);
            bytes = bytes[part..];
        }
    }

    public byte[] Read(ReadOnlySpan<DmaSegment> segments)
    {
        var bytes = new List<byte>();
        foreach (var segment in segments)
            bytes.AddRange(Read(segment.Address, (int)segment.Length));
        return [.. bytes];
    }

    /// <summary>Reads the frame of a descriptor that is the device's, and gives the descriptor back.</summary>
    public byte[] Transmit(Iova ring, int index)
    {
        var descriptor = Read(ring + (ulong)(index * Ring.Size), Ring.Size);
        var frame = Read(Ring.AddressOf(descriptor, 0), Ring.LengthOf(descriptor, 0));
        Complete(ring, index, frame.Length);
        return frame;
    }

    /// <summary>Writes a frame to the buffer of a descriptor, and gives the descriptor back.</summary>
    public void Receive(Iova ring, int index, ReadOnlySpan<byte> frame, int headroom = 0)
    {
        var descriptor = Read(ring + (ulong)(index * Ring.Size), Ring.Size);
        Write(Ring.AddressOf(descriptor, 0) + (ulong)headroom, frame);
        Complete(ring, index, frame.Length);
    }

    /// <summary>Reads, changes and writes: what a cipher or a scaler does.</summary>
    public void Transform(Iova from, Iova to, int length, byte key) =>
        Write(to, Array.ConvertAll(Read(from, length), value => (byte)(value ^ key)));

    protected override void Reset() => Doorbell = 0;

    private void Complete(Iova ring, int index, int length)
    {
        var done = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(done, length);
        Write(ring + (ulong)((index * Ring.Size) + 8), done);
    }

    private DmaStatus Count(DmaStatus status)
    {
        Failures += status == DmaStatus.Ok ? 0 : 1;
        return status;
    }
}
