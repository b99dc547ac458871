using Aperture.Core;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace ApertureDriver;

/// <summary>The device as silicon: it adds up bytes in memory. Registers on the CPU's side, a port to memory on the other; whether an IOMMU
/// stands behind the port it cannot tell.</summary>
internal sealed class ChecksumEngine(DmaPort port) : MasterDevice
{
    private readonly uint[] _registers = new uint[ChecksumRegisters.Size / 4];

    public override uint Size => ChecksumRegisters.Size;

    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers || !IsRegister(offset, width))
            return false;
        value = _registers[offset / 4];
        return true;
    }

    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || !IsRegister(offset, width))
            return false;
        switch (offset)
        {
            case ChecksumRegisters.Address or ChecksumRegisters.Length:
                _registers[offset / 4] = (uint)value;
                break;
            case ChecksumRegisters.Start:
                Run();
                break;
            case ChecksumRegisters.Status:
                SetStatus(_registers[ChecksumRegisters.Status / 4] & ~(uint)value);
                break;
        }

        return true;
    }

    protected override void Reset()
    {
        Array.Clear(_registers);
        SetStatus(0);
    }

    private static bool IsRegister(uint offset, int width) => width == 4 && offset % 4 == 0 && offset < ChecksumRegisters.Size;

    private void Run()
    {
        var address = new Iova(_registers[ChecksumRegisters.Address / 4]);
        var bytes = new byte[_registers[ChecksumRegisters.Length / 4]];
        var isRead = port.Read(address, bytes, out _) == DmaStatus.Ok;
        _registers[ChecksumRegisters.Sum / 4] = isRead ? (uint)bytes.Sum(value => value) : 0;
        SetStatus(isRead ? ChecksumRegisters.Done : ChecksumRegisters.Done | ChecksumRegisters.Failed);
    }

    private void SetStatus(uint status)
    {
        _registers[ChecksumRegisters.Status / 4] = status;
        Interrupt.Set((status & ChecksumRegisters.Done) != 0);
    }
}
