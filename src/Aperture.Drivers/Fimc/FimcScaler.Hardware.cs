using Aperture.Core;
using Aperture.Datasheets.Fimc;
using Aperture.Devices;

namespace Aperture.Drivers.Fimc;

/// <summary>The registers and the interrupt.</summary>
public sealed partial class FimcScaler
{
    internal InterruptResult OnInterrupt()
    {
        if (!_working || (_registers.Read32(FimcRegisters.Status) & FimcStatus.FrameEnd) == 0)
            return InterruptResult.None; // another FIMC or a SysMMU shares the line, and we may have no power
        _registers.Update32(FimcRegisters.Status, FimcStatus.FrameEnd, 0);
        _registers.Update32(FimcRegisters.GlobalControl, FimcGlobalControl.IrqClear, FimcGlobalControl.IrqClear);
        _done = true;
        return InterruptResult.Handled;
    }

    private static int PreShift(int source, int target)
    {
        for (var shift = 5; shift > 0; shift--)
        {
            if (source >= target << shift)
                return shift;
        }

        return 0;
    }

    private static FimcRgbFormat RgbOf(FimcFormat format) =>
        format == FimcFormat.Rgb565 ? FimcRgbFormat.Rgb565 : FimcRgbFormat.Rgb888;

    private void Reset()
    {
        _registers.Write32(FimcRegisters.GlobalControl, FimcGlobalControl.SoftwareReset);
        _registers.Write32(FimcRegisters.GlobalControl, 0);
    }

    private void Program(in FimcImage source, Iova from, in FimcImage target, Iova to, FimcFlip flip)
    {
        var horizontalShift = PreShift(source.Width, target.Width);
        var verticalShift = PreShift(source.Height, target.Height);
        var horizontalRatio = (source.Width << 14) / (target.Width << horizontalShift);
        var verticalRatio = (source.Height << 14) / (target.Height << verticalShift);
        var isRgb = source.Format != FimcFormat.Yuv420;
        var scaler = FimcScalerControl.For(horizontalRatio, verticalRatio, RgbOf(source.Format), RgbOf(target.Format)).Value
            | FimcScalerControl.Start;
        if (target.Width >= source.Width)
            scaler |= FimcScalerControl.ScaleUpHorizontal;
        if (target.Height >= source.Height)
            scaler |= FimcScalerControl.ScaleUpVertical;

        _registers.Write32(FimcRegisters.GlobalControl, FimcGlobalControl.IrqLevel | FimcGlobalControl.IrqEnable);
        _registers.Write32(FimcRegisters.SourceY, (uint)from.Value);
        _registers.Write32(FimcRegisters.SourceCb, isRgb ? 0 : (uint)(from + (ulong)source.CbOffset).Value);
        _registers.Write32(FimcRegisters.SourceCr, isRgb ? 0 : (uint)(from + (ulong)source.CrOffset).Value);
        _registers.Write32(FimcRegisters.SourceSize, FimcRegisters.Pair(source.Height, source.Width));
        _registers.Write32(
            FimcRegisters.RealSourceSize, FimcRegisters.AddressChangeDisable | FimcRegisters.Pair(source.Height, source.Width));
        _registers.Write32(FimcRegisters.TargetY, (uint)to.Value);
        _registers.Write32(FimcRegisters.TargetSize, FimcRegisters.Pair(target.Height, target.Width));
        _registers.Write32(
            FimcRegisters.TargetFormat,
            FimcTargetFormat.ForRgb(target.Width, target.Height, (flip & FimcFlip.X) != 0, (flip & FimcFlip.Y) != 0).Value);
        _registers.Write32(FimcRegisters.TargetArea, (uint)(target.Width * target.Height));
        _registers.Write32(FimcRegisters.PreRatio, FimcPreRatio.ForShifts(horizontalShift, verticalShift).Value);
        _registers.Write32(FimcRegisters.PreTarget, FimcRegisters.Pair(source.Width >> horizontalShift, source.Height >> verticalShift));
        _registers.Write32(FimcRegisters.Extension, FimcScalerControl.Extension(horizontalRatio, verticalRatio));
        _registers.Write32(FimcRegisters.ScalerControl, scaler);
        _registers.Write32(FimcRegisters.ImageCapture, FimcRegisters.CaptureEnable);
        _registers.Write32(
            FimcRegisters.MemoryControl, FimcMemoryControl.FromMemory | (isRgb ? FimcMemoryControl.Rgb : 0) | FimcMemoryControl.Enable);
    }
}
