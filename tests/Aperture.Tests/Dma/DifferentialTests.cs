using System.Diagnostics;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Tests.Fakes;
using Xunit.Abstractions;

namespace Aperture.Tests.Dma;

/// <summary>The same calls give the same bytes, on both sides, whatever stands between.</summary>
public sealed class DifferentialTests(ITestOutputHelper output)
{
    private const int Buffers = 12;
    private const int BufferBytes = 48 << 10;

    private static readonly string[] s_behindCaches = ["direct-noncoherent", "iommu-noncoherent", "iommu-deferred-noncoherent",
        "bounce-noncoherent", "bounce-noncoherent-aligned", "restricted-noncoherent", "untrusted-noncoherent"];

    private static bool IsLong => Environment.GetEnvironmentVariable("APERTURE_LONG") == "1";

    // Caches work in lines: what shares a line with others cannot be handed over by itself.
    public static TheoryData<string, int, bool, string[]> Families
    {
        get
        {
            var families = new TheoryData<string, int, bool, string[]>
            {
                { "every byte", 1, false,
                    ["direct", "direct-offset", "direct-snooping-chaos", "iommu", "iommu-deferred", "iommu-snooping-chaos", "bounce",
                    "bounce-aligned", "bounce-offset", "bounce-snooping", "restricted", "untrusted", "untrusted-aligned"] },
            };
            foreach (var kind in (string[])["arm64", "armv7", "mips"])
            {
                foreach (var chaos in (string[])["", "-chaos"])
                {
                    families.Add($"lines, {kind}{chaos}", HonestMemory.Line, kind != "arm64",
                        ["direct", .. s_behindCaches.Select(path => $"{path}-{kind}{chaos}")]);
                }
            }

            return families;
        }
    }

    /// <summary>The sanitizer has nothing to say of it. ARMv7 and MIPS throw away what the CPU wrote to memory that the device only writes:
    /// there the device writes all of it before anybody looks.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void Every_path_gives_the_same_bytes(string family, int grain, bool writesAll, string[] paths)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"{family}: seed {seed}");
        var operations = (IsLong ? 1_000_000 : 24_000) / paths.Length; // on each path
        var results = new Dictionary<string, ulong>();
        foreach (var path in paths)
        {
            var watch = Stopwatch.StartNew();
            using var rig = DmaRig.Make(path, chaos: seed, isSanitized: true);
            results[path] = new Sequence(rig, seed, grain, writesAll).Run(operations);
            Assert.True(rig.Sanitizer!.Findings.Count == 0, $"{path}: {rig.Sanitizer}");
            Assert.Empty(rig.Memory.Ram.Cache?.CheckAlias() ?? []);
            output.WriteLine($"{path}: {operations} operations, {watch.Elapsed.TotalSeconds:F1} s");
        }

        Assert.Single(results.Values.Distinct());
    }

    private sealed class Sequence(DmaRig rig, int seed, int grain, bool writesAll)
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

            Assert.Equal((0, 0), (rig.Platform.BouncePool.UsedSlots, rig.Dma.BouncePool.UsedSlots));
            rig.Dma.Detach();
            return _hash;
        }

        private void Step(Buffer buffer)
        {
            if (!buffer.IsMapped)
            {
                if (_random.Next(8) == 0)
                    Scatter(buffer);
                else if (_random.Next(8) == 0)
                    Allocation();
                else if (_random.Next(16) == 0)
                    Managed();
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
            if (writesAll && buffer.Direction == DmaDirection.FromDevice)
                DeviceWrite(buffer, 0, buffer.Length);
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
            if (buffer.Direction == DmaDirection.FromDevice || (buffer.Direction == DmaDirection.Bidirectional && _random.Next(2) == 0))
            {
                DeviceWrite(buffer, at, length);
                return;
            }

            var bytes = _scratch.AsSpan(0, length);
            rig.Read(buffer.Mapping.Address + (ulong)at, bytes);
            See(bytes, buffer.Truth.AsSpan(buffer.Start + at, length));
        }

        private void DeviceWrite(Buffer buffer, int at, int length)
        {
            var truth = buffer.Truth.AsSpan(buffer.Start + at, length);
            _random.NextBytes(truth);
            rig.Write(buffer.Mapping.Address + (ulong)at, truth);
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

        /// <summary>Memory that comes with its mapping, of each kind.</summary>
        private void Allocation()
        {
            var length = 1 + _random.Next(10_000);
            switch (_random.Next(3))
            {
                case 0:
                    {
                        using var buffer = rig.Dma.Allocate(length);
                        Turns(buffer.Memory, buffer.Address, null, null);
                        break;
                    }

                case 1:
                    {
                        using var buffer = rig.Dma.AllocatePages(length, DmaDirection.Bidirectional);
                        var mapping = buffer.Mapping;
                        Turns(buffer.Memory, mapping.Address, () => mapping.SyncForCpu(), () => mapping.SyncForDevice());
                        break;
                    }

                default:
                    {
                        using var buffer = rig.Dma.AllocateNoncontiguous(length, DmaDirection.Bidirectional,
                            DmaAttributes.AllocSinglePages);
                        var at = buffer.Address;
                        foreach (var piece in buffer.Pieces)
                        {
                            Turns(piece, at, () => buffer.SyncForCpu(), () => buffer.SyncForDevice());
                            at += (ulong)piece.Length;
                        }

                        break;
                    }
            }
        }

        private void Turns(MemoryBlock memory, Iova address, Action? forCpu, Action? forDevice)
        {
            var bytes = _scratch.AsSpan(0, memory.Length);
            rig.Read(address, bytes);
            Assert.True(bytes.IndexOfAnyExcept((byte)0) < 0, $"{rig.Name}: the device sees no zeroes in fresh memory");
            forCpu?.Invoke();
            Assert.True(memory.Span.IndexOfAnyExcept((byte)0) < 0, $"{rig.Name}: the CPU sees no zeroes in fresh memory");
            _random.NextBytes(memory.Span);
            var written = memory.Span.ToArray();
            forDevice?.Invoke();
            rig.Read(address, bytes);
            Same(bytes, written);
            _random.NextBytes(bytes);
            rig.Write(address, bytes);
            forCpu?.Invoke();
            Same(memory.Span, bytes);
            forDevice?.Invoke();
        }

        /// <summary>Memory of the managed heap, a part of it, wherever it lies.</summary>
        private void Managed()
        {
            var truth = new byte[1 + _random.Next(20_000)];
            _random.NextBytes(truth);
            var at = _random.Next(truth.Length);
            var length = 1 + _random.Next(truth.Length - at);
            var memory = truth.ToArray();
            var bytes = _scratch.AsSpan(0, length);
            using (var managed = rig.Dma.MapManaged(memory.AsMemory(at, length), DmaDirection.Bidirectional))
            {
                rig.Read(managed.Mapping.Address, bytes);
                See(bytes, truth.AsSpan(at, length));
                _random.NextBytes(truth.AsSpan(at, length));
                rig.Write(managed.Mapping.Address, truth.AsSpan(at, length));
                if (_random.Next(2) == 0)
                {
                    rig.Dma.SyncForCpu(managed.Mapping.Address, (ulong)length, DmaDirection.Bidirectional);
                    See(memory, truth);
                    memory[at] = ++truth[at];
                    rig.Dma.SyncForDevice(managed.Mapping.Address, 1, DmaDirection.Bidirectional);
                    rig.Read(managed.Mapping.Address, bytes[..1]);
                    See(bytes[..1], truth.AsSpan(at, 1));
                }
            }

            See(memory, truth);
        }

        private void CpuWrite(Buffer buffer, int at, int length)
        {
            var truth = buffer.Truth.AsSpan(at, length);
            _random.NextBytes(truth[..Math.Min(length, 256)]);
            truth.CopyTo(buffer.Memory.Slice(at, length).Span);
        }

        private void CpuRead(Buffer buffer, int at, int length) =>
            See(buffer.Memory.Slice(at, length).Span, buffer.Truth.AsSpan(at, length));

        private void Same(ReadOnlySpan<byte> seen, ReadOnlySpan<byte> truth)
        {
            if (!seen.SequenceEqual(truth))
                Assert.Fail($"{rig.Name}: bytes differ from 0x{seen.CommonPrefixLength(truth):x} of 0x{seen.Length:x} on");
        }

        private void See(ReadOnlySpan<byte> seen, ReadOnlySpan<byte> truth)
        {
            Same(seen, truth);
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
