using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Fimc;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The pipeline, line by line: memory, RGB, prescaler, main scaler, memory.</summary>
public sealed partial class Fimc
{
    private const int MaxWidth = 0x4000;
    private const int Channels = 3;

    private readonly byte[] _raw = new byte[MaxWidth * 4];             // a line as it stands in memory
    private readonly byte[] _chroma = new byte[MaxWidth];              // the Cb, then the Cr samples of a line
    private readonly byte[] _rgb = new byte[MaxWidth * Channels];      // a line of the source as RGB
    private readonly int[] _sums = new int[MaxWidth * Channels];       // the prescaler's sums over several lines
    private readonly byte[] _even = new byte[MaxWidth * Channels];     // scaled lines: the last one with an even number
    private readonly byte[] _odd = new byte[MaxWidth * Channels];      // and the last one with an odd number
    private int _evenLine;                                             // which lines these are; -1 for none
    private int _oddLine;

    private bool Work(in FimcJob job)
    {
        var width = job.Target.Width;
        var bytesPerPixel = BytesPerPixel(job.TargetRgb);
        while (_line < job.Target.Height)
        {
            var y = _line;
            var position = (long)y * job.VerticalRatio;
            var line = (int)Math.Min(position >> 14, job.PreHeight - 1);
            var weight = (int)(position >> 6) & 0xFF;
            if (!TryScaledLine(job, line, out var upper) || !TryScaledLine(job, Math.Min(line + 1, job.PreHeight - 1), out var lower))
                return false;
            for (var x = 0; x < width; x++)
            {
                var at = (job.Target.FlipX ? width - 1 - x : x) * Channels;
                var (red, green) = (Blend(upper[at], lower[at], weight), Blend(upper[at + 1], lower[at + 1], weight));
                Pack(job.TargetRgb, x, red, green, Blend(upper[at + 2], lower[at + 2], weight));
            }

            var row = job.Target.FlipY ? job.Target.Height - 1 - y : y;
            var address = FimcJob.At(job.TargetAddress, job.TargetOffset, row, job.TargetPitch, bytesPerPixel);
            if (!Finish(_port.Write(address, _raw.AsSpan(0, width * bytesPerPixel), out var written), address + (uint)written))
                return false;
            if (++_line < job.Target.Height && EndsSlice(width * bytesPerPixel))
                break;
        }

        return true;
    }

    /// <summary>A line behind the prescaler, scaled to the target's width. The two lines that a target line lies between differ
    /// in their lowest bit, so each has its place.</summary>
    private bool TryScaledLine(in FimcJob job, int line, out byte[] scaled)
    {
        var isOdd = (line & 1) != 0;
        scaled = isOdd ? _odd : _even;
        ref var held = ref isOdd ? ref _oddLine : ref _evenLine;
        if (held == line)
            return true;
        held = -1;
        if (!TryPrescale(job, line))
            return false;
        for (var x = 0; x < job.Target.Width; x++)
        {
            var position = (long)x * job.HorizontalRatio;
            var left = (int)Math.Min(position >> 14, job.PreWidth - 1) * Channels;
            var right = Math.Min(left + Channels, (job.PreWidth - 1) * Channels);
            var weight = (int)(position >> 6) & 0xFF;
            for (var channel = 0; channel < Channels; channel++)
                scaled[(x * Channels) + channel] = (byte)Blend(_sums[left + channel], _sums[right + channel], weight);
        }

        held = line;
        return true;
    }

    private bool TryPrescale(in FimcJob job, int line)
    {
        var sums = _sums.AsSpan(0, job.PreWidth * Channels);
        sums.Clear();
        for (var i = 0; i < job.Pre.Vertical; i++)
        {
            if (!TryReadLine(job, Math.Min((line * job.Pre.Vertical) + i, job.SourceHeight - 1)))
                return false;
            for (var x = 0; x < job.PreWidth; x++)
            {
                for (var k = 0; k < job.Pre.Horizontal; k++)
                {
                    var from = Math.Min((x * job.Pre.Horizontal) + k, job.SourceWidth - 1) * Channels;
                    for (var channel = 0; channel < Channels; channel++)
                        sums[(x * Channels) + channel] += _rgb[from + channel];
                }
            }
        }

        var shift = Math.Max(10 - job.Pre.ShiftFactor, 0);
        foreach (ref var sum in sums)
            sum = Math.Min(sum >> shift, 255);
        return true;
    }

    private bool TryReadLine(in FimcJob job, int line)
    {
        var bytesPerPixel = job.IsRgbSource ? BytesPerPixel(job.SourceRgb) : 1;
        var raw = _raw.AsSpan(0, job.SourceWidth * bytesPerPixel);
        if (!TryRead(FimcJob.At(job.Source, job.SourceOffset, line, job.SourcePitch, bytesPerPixel), raw))
            return false;
        if (job.IsRgbSource)
        {
            Unpack(job.SourceRgb, raw, _rgb);
            return true;
        }

        var half = job.SourceWidth / 2;
        var cb = _chroma.AsSpan(0, half);
        var cr = _chroma.AsSpan(half, half);
        if (!TryRead(FimcJob.At(job.SourceCb, job.SourceCbOffset, line / 2, job.SourcePitch / 2, 1), cb)
            || !TryRead(FimcJob.At(job.SourceCr, job.SourceCrOffset, line / 2, job.SourcePitch / 2, 1), cr))
            return false;
        for (var x = 0; x < job.SourceWidth; x++)
            ToRgb(raw[x], cb[x / 2], cr[x / 2], _rgb.AsSpan(x * Channels, Channels));
        return true;
    }

    private bool TryRead(Iova address, Span<byte> bytes) =>
        Finish(_port.Read(address, bytes, out var read), address + (uint)read);

    private bool Finish(DmaStatus status, Iova end)
    {
        LastAccess = status;
        if (status != DmaStatus.Ok)
            LastFailure = end;
        return status == DmaStatus.Ok && _busy && _workingOn == _frame; // else a fault handler has reset the block
    }

    private static int BytesPerPixel(FimcRgbFormat format) => format == FimcRgbFormat.Rgb565 ? 2 : 4;

    private static int Blend(int first, int second, int weight) => ((first * (256 - weight)) + (second * weight) + 128) >> 8;

    /// <summary>ITU-R BT.601, narrow range, in 1/256.</summary>
    private static void ToRgb(int y, int cb, int cr, Span<byte> rgb)
    {
        var luma = (298 * (y - 16)) + 128;
        cb -= 128;
        cr -= 128;
        rgb[0] = (byte)Math.Clamp((luma + (409 * cr)) >> 8, 0, 255);
        rgb[1] = (byte)Math.Clamp((luma - (100 * cb) - (208 * cr)) >> 8, 0, 255);
        rgb[2] = (byte)Math.Clamp((luma + (516 * cb)) >> 8, 0, 255);
    }

    private static void Unpack(FimcRgbFormat format, ReadOnlySpan<byte> raw, Span<byte> rgb)
    {
        if (format == FimcRgbFormat.Rgb565)
        {
            for (var x = 0; x < raw.Length / 2; x++)
            {
                var pixel = BinaryPrimitives.ReadUInt16LittleEndian(raw[(x * 2)..]);
                rgb[x * Channels] = (byte)(((pixel >> 8) & 0xF8) | (pixel >> 13));
                rgb[(x * Channels) + 1] = (byte)(((pixel >> 3) & 0xFC) | ((pixel >> 9) & 3));
                rgb[(x * Channels) + 2] = (byte)((pixel << 3) | ((pixel >> 2) & 7));
            }

            return;
        }

        for (var x = 0; x < raw.Length / 4; x++)
        {
            rgb[x * Channels] = raw[(x * 4) + 2];
            rgb[(x * Channels) + 1] = raw[(x * 4) + 1];
            rgb[(x * Channels) + 2] = raw[x * 4];
        }
    }

    private void Pack(FimcRgbFormat format, int x, int red, int green, int blue)
    {
        if (format == FimcRgbFormat.Rgb565)
            BinaryPrimitives.WriteUInt16LittleEndian(_raw.AsSpan(x * 2), (ushort)(((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3)));
        else
            BinaryPrimitives.WriteUInt32LittleEndian(_raw.AsSpan(x * 4), (uint)((red << 16) | (green << 8) | blue));
    }
}
