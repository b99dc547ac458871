using Aperture.Core;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Pocket.Tests.Sum;

/// <summary>A device of one's own: adds up the bytes of a buffer in memory. Registers: 0x0 address, 0x4 length, 0x8 sum (a write begins),
/// 0xC how it ended, see <see cref="DmaStatus"/>.</summary>
internal sealed class SumEngine(DmaPort port) : MasterDevice
{
    private readonly uint[] _registers = new uint[4];

    public override uint Size => 0x10;

    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = offset < Size ? _registers[offset / 4] : 0;
        return Answers && offset < Size;
    }

    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || offset >= Size)
            return false;
        _registers[offset / 4] = (uint)value;
        if (offset == 0x8)
            Run();
        return true;
    }

    protected override void Reset() => Array.Clear(_registers);

    private void Run()
    {
        var bytes = new byte[_registers[1]];
        _registers[3] = (uint)port.Read(new Iova(_registers[0]), bytes, out var read);
        _registers[2] = (uint)bytes.Take(read).Sum(value => value);
    }
}
