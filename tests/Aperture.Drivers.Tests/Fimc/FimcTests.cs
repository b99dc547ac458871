using Aperture.Core;
using Aperture.Datasheets.Fimc;
using Aperture.Devices;
using Aperture.Drivers.Fimc;
using Aperture.Drivers.Imaging;
using Aperture.Drivers.Tests.Machine;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;
using Model = Aperture.Hardware.Masters.Fimc;

namespace Aperture.Drivers.Tests.Fimc;

public sealed class FimcTests : IDisposable
{
    private readonly TestMachine _machine = new("11800000.fimc");
    private readonly PageUnit _unit;
    private readonly Model _fimc;
    private readonly FimcScaler _scaler;

    public FimcTests()
    {
        _unit = new PageUnit(_machine.Bus);
        _unit.Map(TestMachine.Ram, new PhysicalAddress(TestMachine.Ram), TestMachine.RamBytes);
        _fimc = new Model(new DmaPort(_machine.Bus, _unit));
        _machine.Wire(_fimc);
        _scaler = _machine.Bind<FimcScaler>(new FimcDriver());
    }

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(64, 48, 64, 48)]
    [InlineData(64, 48, 200, 100)]
    [InlineData(64, 48, 40, 47)]
    [InlineData(640, 480, 31, 200)]
    [InlineData(300, 200, 10, 7)]
    [InlineData(33, 17, 66, 2)]
    [InlineData(2, 2, 100, 100)]
    public void Every_format_and_scale_is_the_reference(int width, int height, int targetWidth, int targetHeight)
    {
        foreach (var from in Enum.GetValues<FimcFormat>())
        {
            if (from == FimcFormat.Yuv420 && ((width | height) & 1) != 0)
                continue;
            foreach (var to in new[] { FimcFormat.Xrgb8888, FimcFormat.Rgb565 })
            {
                foreach (var flip in new[] { FimcFlip.None, FimcFlip.X | FimcFlip.Y })
                {
                    var source = Image(width, height, from);
                    new Random(width).NextBytes(source.Memory.Span);
                    var target = Image(targetWidth, targetHeight, to);
                    _scaler.Convert(source, target, flip);
                    Assert.Equal(FimcReference.Scale(source, target, flip), target.Memory.Span.ToArray());
                    _machine.Memory.Free(source.Memory);
                    _machine.Memory.Free(target.Memory);
                }
            }
        }

        Assert.True(_machine.IsOff);
        Assert.Equal((0UL, false), (_scaler.Failed, _fimc.Interrupt.IsAsserted));
    }

    [Fact]
    public void A_picture_goes_through_unchanged()
    {
        var picture = new Picture(50, 30);
        new Random(1).NextBytes(picture.Pixels);
        var source = Image(50, 30, FimcFormat.Xrgb8888);
        source.Load(picture);
        var target = Image(50, 30, FimcFormat.Xrgb8888);
        _scaler.Convert(source, target);
        Assert.Equal(picture.Pixels.ToArray(), target.ToPicture().Pixels.ToArray());
        var narrow = Image(50, 30, FimcFormat.Rgb565);
        _scaler.Convert(source, narrow);
        var again = Image(50, 30, FimcFormat.Rgb565);
        again.Load(picture);
        Assert.True(narrow.Memory.Span.SequenceEqual(again.Memory.Span));
        Assert.Equal(again.ToPicture().Pixels.ToArray(), narrow.ToPicture().Pixels.ToArray());
    }

    [Fact]
    public void Narrow_range_black_and_white_become_full_range()
    {
        var source = Image(4, 4, FimcFormat.Yuv420);
        source.Memory.Span.Fill(128);
        source.Memory.Span[..8].Fill(16);
        source.Memory.Span[8..16].Fill(235);
        var target = Image(4, 4, FimcFormat.Xrgb8888);
        _scaler.Convert(source, target);
        Assert.Equal((0u, 0xFFFFFFu), (target.ToPicture()[0, 0], target.ToPicture()[3, 3]));
    }

    [Theory]
    [InlineData(TranslationStatus.Stalled)]
    [InlineData(TranslationStatus.Aborted)]
    public void A_fault_fails_the_job_and_the_next_one_works(TranslationStatus fault)
    {
        _unit.Otherwise = fault;
        var source = Image(64, 64, FimcFormat.Xrgb8888);
        var target = Image(64, 64, FimcFormat.Rgb565);
        var page = target.Memory.Address.Value + 4096;
        _unit.Unmap(page);
        Assert.Equal(Status.IoError, _scaler.TryConvert(source, target));
        Assert.Equal(page, _fimc.LastFailure.Value);
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => _scaler.Convert(source, target)).Status);
        _unit.Map(page, new PhysicalAddress(page), 4096);
        Assert.Equal(Status.Ok, _scaler.TryConvert(source, target));
        Assert.Equal((1UL, 2UL, false), (_scaler.Completed, _scaler.Failed, _machine.Device.Power.IsActive));
    }

    [Fact]
    public void A_fault_handler_may_reset_the_block()
    {
        var source = Image(64, 64, FimcFormat.Xrgb8888);
        _unit.Unmap(source.Memory.Address.Value);
        _unit.OnFault = _ => { _fimc.TryWrite(FimcRegisters.GlobalControl, 4, FimcGlobalControl.SoftwareReset); return false; };
        Assert.Equal(Status.IoError, _scaler.TryConvert(source, Image(64, 64, FimcFormat.Rgb565)));
    }

    [Fact]
    public void Impossible_jobs_are_refused()
    {
        var source = Image(128, 128, FimcFormat.Xrgb8888);
        Assert.Equal(Status.NotSupported, _scaler.TryConvert(source, Image(2, 128, FimcFormat.Rgb565)));
        Assert.Equal(Status.NotSupported, _scaler.TryConvert(source, Image(128, 128, FimcFormat.Yuv420)));
        Assert.Equal(Status.InvalidArgument, _scaler.TryConvert(source with { Width = 0 }, source));
        Assert.Equal(Status.InvalidArgument, _scaler.TryConvert(source with { Width = 200 }, source));
        Assert.Equal(Status.InvalidArgument, _scaler.TryConvert(Image(31, 32, FimcFormat.Yuv420), source));
        _machine.IsBroken = true;
        Assert.Throws<BusErrorException>(() => _scaler.TryConvert(source, Image(128, 128, FimcFormat.Rgb565)));
        Assert.True(_machine.IsOff);
    }

    [Fact]
    public void A_job_allocates_nothing()
    {
        var source = Image(64, 64, FimcFormat.Yuv420);
        var target = Image(100, 30, FimcFormat.Rgb565);
        _scaler.TryConvert(source, target);
        var before = GC.GetAllocatedBytesForCurrentThread();
        _scaler.TryConvert(source, target);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Random_register_writes_never_throw()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        _machine.Device.Power.Get();
        for (var i = 0; i < 20_000; i++)
        {
            var offset = (uint)random.Next(((int)FimcRegisters.Last / 4) + 8) * 4;
            var value = offset switch
            {
                FimcRegisters.TargetFormat or FimcRegisters.RealSourceSize or FimcRegisters.PreTarget =>
                    (uint)random.NextInt64() & 0x601F_001F,
                FimcRegisters.TargetY or FimcRegisters.SourceY => (uint)(TestMachine.Ram + (ulong)random.Next(TestMachine.RamBytes)),
                FimcRegisters.ImageCapture => FimcRegisters.CaptureEnable,
                FimcRegisters.GlobalControl => random.Next(4) == 0 ? FimcGlobalControl.SoftwareReset : 0,
                _ => (uint)random.NextInt64(),
            };
            var failure = Record.Exception(() => _fimc.TryWrite(offset, 4, value));
            Assert.True(failure is null, $"seed {seed}, write {i}: {failure}");
        }

        // Whatever it was told, the next picture is right.
        _machine.Device.Power.Put();
        var (source, target) = (Image(64, 48, FimcFormat.Rgb565), Image(40, 47, FimcFormat.Xrgb8888));
        random.NextBytes(source.Memory.Span);
        _scaler.Convert(source, target);
        var picture = FimcReference.Scale(source, target, FimcFlip.None);
        Assert.True(target.Memory.Span.SequenceEqual(picture), $"seed {seed}: another picture");
    }

    private FimcImage Image(int width, int height, FimcFormat format) =>
        new(_machine.Memory.Allocate(FimcImage.BytesOf(width, height, format)), width, height, format);
}
