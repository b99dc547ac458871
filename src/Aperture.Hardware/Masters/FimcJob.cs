using Aperture.Core;
using Aperture.Datasheets.Fimc;

namespace Aperture.Hardware.Masters;

/// <summary>What the registers of FIMC say when a frame starts.</summary>
internal readonly struct FimcJob
{
    /// <summary>Takes the registers, one to a word.</summary>
    public FimcJob(ReadOnlySpan<uint> registers)
    {
        var control = new FimcMemoryControl(registers[(int)FimcRegisters.MemoryControl / 4]);
        var scaler = new FimcScalerControl(registers[(int)FimcRegisters.ScalerControl / 4]);
        var extension = registers[(int)FimcRegisters.Extension / 4];
        var size = registers[(int)FimcRegisters.RealSourceSize / 4];
        var pre = registers[(int)FimcRegisters.PreTarget / 4];
        Target = new FimcTargetFormat(registers[(int)FimcRegisters.TargetFormat / 4]);
        IsRgbSource = control.IsRgb;
        SourceRgb = scaler.SourceRgb;
        TargetRgb = scaler.TargetRgb;
        SourceWidth = FimcRegisters.Low(size);
        SourceHeight = FimcRegisters.High(size);
        SourcePitch = FimcRegisters.Low(registers[(int)FimcRegisters.SourceSize / 4]);
        TargetPitch = FimcRegisters.Low(registers[(int)FimcRegisters.TargetSize / 4]);
        SourceOffset = registers[(int)FimcRegisters.SourceYOffset / 4];
        SourceCbOffset = registers[(int)FimcRegisters.SourceCbOffset / 4];
        SourceCrOffset = registers[(int)FimcRegisters.SourceCrOffset / 4];
        TargetOffset = registers[(int)FimcRegisters.TargetYOffset / 4];
        Source = new Iova(registers[(int)FimcRegisters.SourceY / 4]);
        SourceCb = new Iova(registers[(int)FimcRegisters.SourceCb / 4]);
        SourceCr = new Iova(registers[(int)FimcRegisters.SourceCr / 4]);
        TargetAddress = new Iova(registers[(int)FimcRegisters.TargetY / 4]);
        var bypass = scaler.IsBypass;
        Pre = bypass ? FimcPreRatio.ForShifts(0, 0) : new FimcPreRatio(registers[(int)FimcRegisters.PreRatio / 4]);
        PreWidth = bypass ? SourceWidth : FimcRegisters.High(pre);
        PreHeight = bypass ? SourceHeight : FimcRegisters.Low(pre);
        HorizontalRatio = bypass ? FimcScalerControl.One : scaler.HorizontalRatio(extension);
        VerticalRatio = bypass ? FimcScalerControl.One : scaler.VerticalRatio(extension);
        IsSupported = (control.IsYCbCr420 || (IsRgbSource && SourceRgb is FimcRgbFormat.Rgb565 or FimcRgbFormat.Rgb888))
            && Target is { IsRgb: true, Rotates: false, Width: > 0, Height: > 0 }
            && TargetRgb is FimcRgbFormat.Rgb565 or FimcRgbFormat.Rgb888
            && SourceWidth > 0 && SourceHeight > 0 && PreWidth > 0 && PreHeight > 0
            && (IsRgbSource || SourceWidth % 2 == 0);
    }

    /// <summary>Whether the model knows the formats and no size is zero.</summary>
    public bool IsSupported { get; }

    /// <summary>Size and mirroring of the target.</summary>
    public FimcTargetFormat Target { get; }

    /// <summary>Whether the source is RGB, or YCbCr 4:2:0.</summary>
    public bool IsRgbSource { get; }

    /// <summary>Format of an RGB source.</summary>
    public FimcRgbFormat SourceRgb { get; }

    /// <summary>Format of the target.</summary>
    public FimcRgbFormat TargetRgb { get; }

    /// <summary>Pixels of a line of the source.</summary>
    public int SourceWidth { get; }

    /// <summary>Lines of the source.</summary>
    public int SourceHeight { get; }

    /// <summary>Pixels from line to line of the source.</summary>
    public int SourcePitch { get; }

    /// <summary>Pixels from line to line of the target.</summary>
    public int TargetPitch { get; }

    /// <summary>First line and pixel of the source, of its Cb plane, of its Cr plane, of the target.</summary>
    public uint SourceOffset { get; }

    /// <inheritdoc cref="SourceOffset"/>
    public uint SourceCbOffset { get; }

    /// <inheritdoc cref="SourceOffset"/>
    public uint SourceCrOffset { get; }

    /// <inheritdoc cref="SourceOffset"/>
    public uint TargetOffset { get; }

    /// <summary>Device addresses of the source's planes and of the target.</summary>
    public Iova Source { get; }

    /// <inheritdoc cref="Source"/>
    public Iova SourceCb { get; }

    /// <inheritdoc cref="Source"/>
    public Iova SourceCr { get; }

    /// <inheritdoc cref="Source"/>
    public Iova TargetAddress { get; }

    /// <summary>What the prescaler does.</summary>
    public FimcPreRatio Pre { get; }

    /// <summary>Pixels of a line behind the prescaler.</summary>
    public int PreWidth { get; }

    /// <summary>Lines behind the prescaler.</summary>
    public int PreHeight { get; }

    /// <summary>Step of the main scaler from pixel to pixel, in 1/16384.</summary>
    public int HorizontalRatio { get; }

    /// <summary>Step of the main scaler from line to line, in 1/16384.</summary>
    public int VerticalRatio { get; }

    /// <summary>Device address of a pixel in a plane.</summary>
    public static Iova At(Iova plane, uint offset, int line, int pitch, int bytesPerPixel) =>
        plane + ((((ulong)(FimcRegisters.High(offset) + line) * (ulong)pitch) + (ulong)FimcRegisters.Low(offset)) * (ulong)bytesPerPixel);
}
