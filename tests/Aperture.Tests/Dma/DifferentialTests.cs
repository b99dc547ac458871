using Aperture.Dma;
using Aperture.Tests.Fakes;
using Xunit.Abstractions;

namespace Aperture.Tests.Dma;

/// <summary>The same calls give the same bytes, on both sides, whatever stands between.</summary>
public sealed class DifferentialTests(ITestOutputHelper output)
{
    private const int Buffers = 12;
    private const int BufferBytes = 48 << 10;

    private static int Operations => Environment.GetEnvironmentVariable("APERTURE_LONG") == "1" ? 1_000_000 : 100_000;

    [Theory]
    [InlineData(1)]
    [InlineData(HonestMemory.Line)]
    public void Every_path_gives_the_same_bytes(int grain)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}, grain {grain}");
        // Caches work in lines: what shares a line with others cannot be handed over by itself.
        var paths = DmaRig.Paths.Where(path => grain == HonestMemory.Line || !DmaRig.IsCached(path)).ToArray();
        var operations = Operations / 2 / paths.Length;
        var expected = new Dictionary<string, ulong>();
        foreach (var path in paths)
        {
            using var rig = DmaRig.Make(path);
            expected[path] = new Sequence(rig, seed, grain).Run(operations);
        }

        Assert.Single(expected.Values.Distinct());
    }

    private sealed class Sequence(DmaRig rig, int seed, int grain)
    {
        private readonly Random _random = new(seed);
        private readonly byte[] _scratch = new byte[256 << 10];
        private readonly DmaSegment[] _segments = new DmaSegment[8];
        private readonly Buffer[] _buffers = new Buffer[Buffers];
        private ulong _hash = 14695981039346656037;

        public ulong Run(int operations)
        {
            for (var i = 0; i < Buffers; i++)
            {
                var memory = rig.Memory.Allocate(BufferBytes);
                _buffers[i] = new Buffer { Memory = memory, Truth = new byte[BufferBytes] };
                _random.NextBytes(_buffers[i].Truth);
                _buffers[i].Truth.CopyTo(memory.Span);
            }

            for (var i = 0; i < operations; i++)
            {
                Step(_buffers[_random.Next(Buffers)]);
                if ((i & 1023) == 0)
                {
                    rig.Unit.Invalidations.Clear();
                    rig.Time.Advance(TimeSpan.FromMilliseconds(3));
                }
            }

            foreach (var buffer in _buffers)
            {
                if (buffer.IsMapped)
                    Unmap(buffer);
                rig.Memory.Free(buffer.Memory);
            }

            rig.Dma.Detach();
            return _hash;
        }

        private void Step(Buffer buffer)
        {
            if (!buffer.IsMapped)
            {
                if (_random.Next(8) == 0)
                    Scatter(buffer);
                else if (_random.Next(16) == 0)
                    Coherent();
                else
                    Map(buffer);
                return;
            }

            switch (_random.Next(10))
            {
                case 0:
                    Unmap(buffer);
                    break;
                case < 5:
                    DeviceTurn(buffer);
                    break;
                default:
                    CpuTurn(buffer);
                    break;
            }
        }

        private void Map(Buffer buffer)
        {
            buffer.Start = _random.Next(BufferBytes / grain / 2) * grain;
            buffer.Length = Length(BufferBytes - buffer.Start);
            buffer.Direction = (DmaDirection)_random.Next(3);
            // The CPU writes up to the last moment.
            CpuWrite(buffer, buffer.Start, buffer.Length);
            buffer.Mapping = rig.Dma.Map(buffer.Memory.Slice(buffer.Start, buffer.Length), buffer.Direction);
            Assert.True(buffer.Mapping.IsMapped);
            buffer.IsMapped = true;
            if (rig.Dma.MinAlignMask != 0)
                Assert.Equal((buffer.Memory.Address.Value + (ulong)buffer.Start) & 4095, buffer.Mapping.Address.Value & 4095);
        }

        private void Unmap(Buffer buffer)
        {
            buffer.Mapping.Dispose();
            buffer.IsMapped = false;
            CpuRead(buffer, 0, BufferBytes);
        }

        private void DeviceTurn(Buffer buffer)
        {
            var (at, length) = Part(buffer);
            var address = buffer.Mapping.Address + (ulong)at;
            var bytes = _scratch.AsSpan(0, length);
            var isWrite = buffer.Direction == DmaDirection.FromDevice || (buffer.Direction == DmaDirection.Bidirectional && _random.Next(2) == 0);
            var truth = buffer.Truth.AsSpan(buffer.Start + at, length);
            if (isWrite)
            {
                _random.NextBytes(bytes);
                rig.Write(address, bytes);
                bytes.CopyTo(truth);
            }
            else
            {
                rig.Read(address, bytes);
                See(bytes, truth);
            }
        }

        private void CpuTurn(Buffer buffer)
        {
            var (at, length) = Part(buffer);
            var byAddress = _random.Next(2) == 0;
            if (byAddress)
                rig.Dma.SyncForCpu(buffer.Mapping.Address + (ulong)at, (ulong)length, buffer.Direction);
            else
                buffer.Mapping.SyncForCpu((ulong)at, (ulong)length);
            CpuRead(buffer, buffer.Start + at, length);
            if (buffer.Direction != DmaDirection.FromDevice)
                CpuWrite(buffer, buffer.Start + at, length);
            if (byAddress)
                rig.Dma.SyncForDevice(buffer.Mapping.Address + (ulong)at, (ulong)length, buffer.Direction);
            else
                buffer.Mapping.SyncForDevice((ulong)at, (ulong)length);
        }

        private void Scatter(Buffer buffer)
        {
            Span<MemoryBlock> pieces = new MemoryBlock[1 + _random.Next(6)];
            var part = BufferBytes / 8 / grain * grain;
            for (var i = 0; i < pieces.Length; i++)
                pieces[i] = buffer.Memory.Slice(i * part, _random.Next(3) == 0 ? part : Length(part));
            CpuWrite(buffer, 0, BufferBytes);
            rig.Dma.SetMaxSegmentSize(_random.Next(2) == 0 ? 8192u : 65536u);
            rig.Dma.SetSegmentBoundary(_random.Next(2) == 0 ? 0xFFFF : ulong.MaxValue);
            using (var mapping = rig.Dma.MapScatter(pieces, _segments, DmaDirection.Bidirectional))
            {
                ForSegments(mapping, pieces, buffer, false);
                ForSegments(mapping, pieces, buffer, true);
                mapping.SyncForCpu();
                CpuRead(buffer, 0, BufferBytes);
                for (var i = 0; i < pieces.Length; i++)
                    CpuWrite(buffer, i * part, pieces[i].Length);
                mapping.SyncForDevice();
                ForSegments(mapping, pieces, buffer, false);
                ForSegments(mapping, pieces, buffer, true);
            }

            CpuRead(buffer, 0, BufferBytes);
            rig.Dma.SetSegmentBoundary(ulong.MaxValue);
        }

        /// <summary>The device goes through all segments; their bytes are those of the pieces in order.</summary>
        private void ForSegments(in ScatterMapping mapping, ReadOnlySpan<MemoryBlock> pieces, Buffer buffer, bool isWrite)
        {
            var total = 0;
            foreach (var piece in pieces)
                total += piece.Length;
            var bytes = _scratch.AsSpan(0, total);
            if (isWrite)
                _random.NextBytes(bytes);
            var done = 0;
            foreach (var segment in mapping.Segments)
            {
                if (isWrite)
                    rig.Write(segment.Address, bytes.Slice(done, (int)segment.Length));
                else
                    rig.Read(segment.Address, bytes.Slice(done, (int)segment.Length));
                done += (int)segment.Length;
            }

            Assert.Equal(total, done);
            done = 0;
            foreach (var piece in pieces)
            {
                var truth = buffer.Truth.AsSpan((int)(piece.Address - buffer.Memory.Address), piece.Length);
                if (isWrite)
                    bytes.Slice(done, piece.Length).CopyTo(truth);
                else
                    See(bytes.Slice(done, piece.Length), truth);
                done += piece.Length;
            }
        }

        private void Coherent()
        {
            var length = 1 + _random.Next(10_000);
            using var buffer = rig.Dma.Allocate(length);
            Assert.True(buffer.Span.IndexOfAnyExcept((byte)0) < 0);
            var bytes = _scratch.AsSpan(0, length);
            rig.Read(buffer.Address, bytes);
            Assert.True(bytes.IndexOfAnyExcept((byte)0) < 0, $"{rig.Name}: the device sees no zeroes in fresh coherent memory");
            _random.NextBytes(buffer.Span);
            rig.Read(buffer.Address, bytes);
            See(bytes, buffer.Span);
            _random.NextBytes(bytes);
            rig.Write(buffer.Address, bytes);
            See(buffer.Span, bytes);
        }

        private void CpuWrite(Buffer buffer, int at, int length)
        {
            var truth = buffer.Truth.AsSpan(at, length);
            _random.NextBytes(truth[..Math.Min(length, 256)]);
            truth.CopyTo(buffer.Memory.Span[at..]);
        }

        private void CpuRead(Buffer buffer, int at, int length) => See(buffer.Memory.Span.Slice(at, length), buffer.Truth.AsSpan(at, length));

        private void See(ReadOnlySpan<byte> seen, ReadOnlySpan<byte> truth)
        {
            if (!seen.SequenceEqual(truth))
                Assert.Fail($"{rig.Name}: bytes differ from 0x{seen.CommonPrefixLength(truth):x} of 0x{seen.Length:x} on");
            _hash = (_hash ^ (ulong)seen.Length ^ seen[0] ^ ((ulong)seen[^1] << 8) ^ ((ulong)seen[seen.Length / 2] << 16)) * 1099511628211;
        }

        private (int At, int Length) Part(Buffer buffer)
        {
            var at = _random.Next(buffer.Length / grain) * grain;
            return (at, Length(buffer.Length - at));
        }

        /// <summary>A length of at most so many bytes, mostly short.</summary>
        private int Length(int most)
        {
            most = _random.Next(4) == 0 ? most : Math.Min(most, 6000);
            return (1 + _random.Next(most / grain)) * grain;
        }
    }

    private sealed class Buffer
    {
        public required MemoryBlock Memory { get; init; }

        public required byte[] Truth { get; init; }

        public DmaMapping Mapping { get; set; }

        public DmaDirection Direction { get; set; }

        public int Start { get; set; }

        public int Length { get; set; }

        public bool IsMapped { get; set; }
    }
}
